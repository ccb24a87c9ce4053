"""Find age-restricted products and categories by the patterns of the contact policy."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.restricted import Restricted, matching
from marketing.campaigns.errors import CampaignError

LEVELS = {"departments": "department", "categories": "category", "product_types": "product_type"}
COLUMNS = ("product_id", "product_name", "brand", *LEVELS.values())


@dataclass(frozen=True)
class Products:
    """The shop's products.

    Attributes:
        table: `COLUMNS` of every product; a column that the shop does not have is empty.
        restricted: ids of products that no message may name.
        restricted_categories: categories in which every product is restricted.
        patterns: by which the products were found.
    """

    table: pa.Table
    restricted: frozenset[str]
    restricted_categories: frozenset[str]
    patterns: Restricted

    def bars_category(self, name: str) -> bool:
        """Return whether no message may name a category, whatever its case."""
        folded = name.strip().casefold()
        is_known = folded in {known.casefold() for known in self.restricted_categories}
        return is_known or bool(matching([name], self.patterns.categories))


def read_products(file: Path, patterns: Restricted) -> Products:
    """Read the admitted products and find the restricted ones.

    Raises:
        CampaignError: the file is missing or cannot be read.
    """
    try:
        known = pq.read_schema(file).names
        table = pq.read_table(file, columns=[name for name in COLUMNS if name in known])
    except (OSError, pa.ArrowInvalid) as error:
        raise CampaignError(
            f"The products in {file} cannot be read ({error}), so age-restricted ones would not be found. Run "
            "'.venv/bin/python -m landing admit' and 'accept' first."
        ) from error
    for name in COLUMNS:
        if name not in known:
            table = table.append_column(name, pa.nulls(len(table), pa.string()))
    return products(table.select(COLUMNS), patterns)


def products(table: pa.Table, patterns: Restricted) -> Products:
    """Return the products with the restricted ones found."""
    is_restricted = pa.array([False] * len(table))
    for level, column in LEVELS.items():
        values = table[column].combine_chunks()
        names = matching(pc.unique(values.drop_null()).to_pylist(), getattr(patterns, level))
        hit = pc.is_in(values, pa.array(sorted(names), pa.string()))
        is_restricted = pc.or_(is_restricted, hit)
    found = table.filter(is_restricted)
    allowed = set(table.filter(pc.invert(is_restricted))["category"].to_pylist())
    categories = {name for name in found["category"].to_pylist() if name} - allowed
    return Products(table, frozenset(found["product_id"].to_pylist()), frozenset(categories), patterns)
