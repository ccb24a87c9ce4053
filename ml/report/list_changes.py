"""What changes for customers if one method's lists replace another's."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SHOWN = 10
NAMED = 8


def changes(lists: pa.Table, ours: str, other: str, names: Mapping[str, str]) -> dict[str, Any]:
    """By slate: how many of the first ten are the same, and which products are shown to more and to fewer customers.

    lists: `method, slate, customer_id, rank, product_id` (rank 1 first) with both methods in it; names: of products;
    one without a name is called "product", next to its id.
    `overlap`: mean share in common; `counts[i]`: customers with i products in common; `gained`, `lost`: products with
    the share of customers who see them in `ours` and in `other`, the greatest change first.
    """
    head = lists.filter(pc.less_equal(lists["rank"], SHOWN))
    result = {}
    for slate in head["slate"].unique().to_pylist():
        part = head.filter(pc.equal(head["slate"], slate))
        mine, theirs = _shown(part, ours), _shown(part, other)
        common = Counter(len(mine.get(customer, set()) & items) for customer, items in theirs.items())
        customers = max(len(theirs), 1)
        exposure = {True: _exposure(mine), False: _exposure(theirs)}
        moved = sorted(
            set(exposure[True]) | set(exposure[False]),
            key=lambda item: (exposure[False][item] - exposure[True][item], item),
        )

        def rows(
            items: list[str], exposure: dict[bool, Counter[str]] = exposure, customers: int = customers
        ) -> list[dict[str, Any]]:
            return [
                {
                    "product_id": item,
                    "name": names.get(item) or "product",
                    "ours": exposure[True][item] / customers,
                    "other": exposure[False][item] / customers,
                }
                for item in items
            ]

        result[slate] = {
            "overlap": sum(n * times for n, times in common.items()) / SHOWN / customers,
            "counts": [common[n] for n in range(SHOWN + 1)],
            "gained": rows([item for item in moved if exposure[True][item] > exposure[False][item]][:NAMED]),
            "lost": rows([item for item in moved[::-1] if exposure[True][item] < exposure[False][item]][:NAMED]),
        }
    return result


def _shown(part: pa.Table, method: str) -> dict[str, set[str]]:
    rows = part.filter(pc.equal(part["method"], method))
    shown: dict[str, set[str]] = {}
    for customer, product in zip(rows["customer_id"].to_pylist(), rows["product_id"].to_pylist(), strict=True):
        shown.setdefault(customer, set()).add(product)
    return shown


def _exposure(shown: Mapping[str, set[str]]) -> Counter[str]:
    return Counter(product for items in shown.values() for product in items)
