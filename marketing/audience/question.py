"""Find the items that a question for an audience names, and explain names that are unknown."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

import pyarrow.parquet as pq

from marketing.audience.index import CATEGORY, PRODUCT, AudienceIndex
from marketing.errors import AudienceError

EXAMPLES = 3

MANY_PRODUCTS = 50
"""From here on products asked for together have probabilities that are not calibrated (docs/audiences.md)."""
TOO_MANY = "24%"
"""By how much they exceed what is bought, by `python -m benchmarks.customers.coupon_audiences`."""


class Buyers(StrEnum):
    """The customers that may be in an audience."""

    PAST = "past"
    """Those who bought one of the items before."""
    NEW = "new"
    """Those who never did."""
    BOTH = "both"


@dataclass(frozen=True)
class Items:
    """The items that a question names.

    Attributes:
        kind: category or product.
        rows: rows of the items in the index.
        name: a name for people.
        unsold: products that no customer ever bought; they add nothing to the probabilities.
    """

    kind: str
    rows: Sequence[int]
    name: str
    unsold: Sequence[str] = ()

    @property
    def warnings(self) -> list[str]:
        """Return how far the probabilities can be trusted, in sentences; none for few items."""
        if self.kind != PRODUCT or len(self.rows) <= MANY_PRODUCTS:
            return []
        return [
            f"The probabilities of {len(self.rows)} products together are not calibrated: of coupons for more than "
            f"{MANY_PRODUCTS} products, the expected buyers were {TOO_MANY} too many on the demo's validation window, "
            "mostly beyond the interval if there were more than 300. Do not plan "
            "by these numbers."
        ]


def category_items(index: AudienceIndex, category: str) -> Items:
    """Return the category of this name, whose case does not matter.

    Raises:
        AudienceError: no customer ever bought from a category of this name; the message names near ones.
    """
    known = index.numbers[CATEGORY]
    if not known:
        raise AudienceError(
            "The scores hold no category: the products table has none. Ask for products, or bring a products table "
            "with the column 'category' and build the features again."
        )
    by_case = {name.casefold(): name for name in known}
    name = by_case.get(category.strip().casefold())
    if name is None:
        near = [by_case[found] for found in get_close_matches(category.casefold(), list(by_case), EXAMPLES, 0.4)]
        raise AudienceError(
            f"'{category}' is not a category that a customer bought from. "
            f"{'Near names' if near else 'Examples'}: {_quoted(near or sorted(known)[:EXAMPLES])}."
        )
    return Items(CATEGORY, [known[name]], f"the category '{name}'")


def product_items(index: AudienceIndex, product_ids: Collection[str], name: str = "") -> Items:
    """Return products, asked for together.

    Raises:
        AudienceError: no customer ever bought any of the products; the message names near ids.
    """
    known = index.numbers[PRODUCT]
    if not product_ids:
        raise AudienceError("No product is named. Give at least one product_id.")
    rows = sorted({known[product] for product in product_ids if product in known})
    unsold = sorted(set(product_ids) - known.keys())
    if not rows:
        near = get_close_matches(unsold[0], list(known), EXAMPLES, 0.6)
        raise AudienceError(
            f"No customer ever bought {_quoted(unsold[:EXAMPLES])}, so there is nothing to learn an audience from. "
            f"{'Near ids' if near else 'Examples'}: {_quoted(near or sorted(known)[:EXAMPLES])}. "
            "For a new product, ask for its category."
        )
    if not name:
        first = index.items.column("name")[rows[0]].as_py()
        name = f"'{first}'" if len(rows) == 1 else f"{len(rows)} products"
    return Items(PRODUCT, rows, name, unsold)


def coupon_items(index: AudienceIndex, coupons: Path, coupon_id: str) -> Items:
    """Return the products of a coupon.

    Args:
        index: the opened index.
        coupons: the admitted table `coupons.parquet`.
        coupon_id: the coupon.

    Raises:
        AudienceError: no such coupon is known; the message names near ids.
    """
    if not coupons.exists():
        raise AudienceError(f"{coupons} is missing: the landing has no coupons table. Ask for products instead.")
    table = pq.read_table(coupons, columns=["coupon_id", "product_id"])
    product_ids = {
        product
        for coupon, product in zip(table["coupon_id"].to_pylist(), table["product_id"].to_pylist(), strict=True)
        if coupon == coupon_id and product is not None
    }
    if not product_ids:
        known = sorted({coupon for coupon in table["coupon_id"].to_pylist() if coupon is not None})
        near = get_close_matches(coupon_id, known, EXAMPLES, 0.6) or known[:EXAMPLES]
        raise AudienceError(f"'{coupon_id}' is not a known coupon. Near ids: {_quoted(near) or 'none'}.")
    return product_items(index, product_ids, f"the coupon '{coupon_id}'")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
