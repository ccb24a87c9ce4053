"""Find categories, products and coupons by a part of their name or id."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from core.duckdb_engine import read_parquet
from marketing.audience.index import CATEGORY, ITEMS, PRODUCT
from settings import Settings


@dataclass(frozen=True)
class KnownItem:
    """Something to ask an audience for.

    Attributes:
        item_id: as a question names it.
        name: for people.
        buyers: customers who bought it before; None for a coupon.
    """

    item_id: str
    name: str
    buyers: int | None


def known_items(settings: Settings, kind: str, text: str, count: int) -> list[KnownItem]:
    """Return items whose name or id contains a text, those with most buyers first.

    Args:
        settings: of the installation.
        kind: category, product or coupon; of anything else there is nothing to find.
        text: in any case; empty for all.
        count: items at most.
    """
    folder = settings.paths.customers
    if kind in (CATEGORY, PRODUCT):
        matches = "contains(lower(name), ?) OR contains(lower(item_id), ?)"
        query = f"SELECT item_id, name, rows FROM {{}} WHERE kind = ? AND ({matches})"
        return _found(folder / ITEMS, query, [kind, text.lower(), text.lower()], count)
    if kind == "coupon":
        query = "SELECT DISTINCT coupon_id, coupon_id, NULL FROM {} WHERE contains(lower(coupon_id), ?)"
        return _found(settings.paths.admitted / "coupons.parquet", query, [text.lower()], count)
    return []


def _found(file: Path, query: str, parameters: list[str], count: int) -> list[KnownItem]:
    if not file.exists():
        return []
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"{query.format(read_parquet(file))} ORDER BY 3 DESC NULLS LAST, 1 LIMIT {int(count)}", parameters
        ).fetchall()
    return [KnownItem(str(item_id), str(name or item_id), buyers) for item_id, name, buyers in rows]
