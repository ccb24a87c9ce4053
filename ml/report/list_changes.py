"""Compare the lists that customers get if one method's lists replace another's."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ml.report.facts import ListChange, ProductExposure

LIST_LENGTH = 10
MAX_PRODUCTS = 8
"""Number of products named among those that gain, and among those that lose."""


def list_changes(lists: pa.Table, ours: str, other: str, names: Mapping[str, str]) -> dict[str, ListChange]:
    """Compare the first ten of two methods' lists.

    Args:
        lists: `method, slate, customer_id, rank, product_id` with both methods in it, rank 1 first.
        ours: The method whose lists would replace the other's.
        other: The method whose lists would be replaced.
        names: Names of products by id. A product without a name is called "product".

    Returns:
        The change of each slate.
    """
    head = lists.filter(pc.less_equal(lists["rank"], LIST_LENGTH))
    return {
        slate: _change(head.filter(pc.equal(head["slate"], slate)), ours, other, names)
        for slate in head["slate"].unique().to_pylist()
    }


def _change(lists: pa.Table, ours: str, other: str, names: Mapping[str, str]) -> ListChange:
    our_products, other_products = _products_by_customer(lists, ours), _products_by_customer(lists, other)
    common = Counter(len(our_products.get(customer, set()) & items) for customer, items in other_products.items())
    customers = max(len(other_products), 1)
    now, before = _exposure(our_products), _exposure(other_products)
    by_change = sorted(set(now) | set(before), key=lambda item: (before[item] - now[item], item))

    def exposures(items: list[str]) -> list[ProductExposure]:
        return [
            ProductExposure(item, names.get(item) or "product", now[item] / customers, before[item] / customers)
            for item in items[:MAX_PRODUCTS]
        ]

    return ListChange(
        overlap=sum(n * times for n, times in common.items()) / LIST_LENGTH / customers,
        counts=[common[n] for n in range(LIST_LENGTH + 1)],
        gained=exposures([item for item in by_change if now[item] > before[item]]),
        lost=exposures([item for item in by_change[::-1] if now[item] < before[item]]),
    )


def _products_by_customer(lists: pa.Table, method: str) -> dict[str, set[str]]:
    rows = lists.filter(pc.equal(lists["method"], method))
    products: dict[str, set[str]] = {}
    for customer, product in zip(rows["customer_id"].to_pylist(), rows["product_id"].to_pylist(), strict=True):
        products.setdefault(customer, set()).add(product)
    return products


def _exposure(products: Mapping[str, set[str]]) -> Counter[str]:
    return Counter(product for items in products.values() for product in items)
