"""The changes of a new version are counted in products with names."""

import pyarrow as pa
import pytest

from ml.report.facts import ProductExposure
from ml.report.list_changes import list_changes


def lists(**shown: dict[str, str]) -> pa.Table:
    """`method={customer: "products by letter, best first"}` for the slate `all`."""
    rows = [
        {"method": method, "slate": "all", "customer_id": customer, "rank": place, "product_id": product}
        for method, customers in shown.items()
        for customer, products in customers.items()
        for place, product in enumerate(products, start=1)
    ]
    return pa.Table.from_pylist(rows)


def test_overlap_counts_the_first_ten_alone():
    # Customer 1 keeps nine of ten; the product at rank eleven does not count.
    table = lists(reach={"1": "abcdefghijz", "2": "abcdefghij"}, champion={"1": "zbcdefghij", "2": "jihgfedcba"})
    [change] = list_changes(table, "reach", "champion", {}).values()
    assert change.overlap == pytest.approx(0.95)
    assert [n for n, customers in enumerate(change.counts) if customers] == [9, 10]


def test_products_are_named_with_the_share_of_customers_who_see_them():
    table = lists(reach={"1": "ab", "2": "a"}, champion={"1": "bc", "2": "c"})
    [change] = list_changes(table, "reach", "champion", {"a": "Apples", "b": "Bread"}).values()
    assert change.gained == [ProductExposure("a", "Apples", ours=1.0, other=0.0)]
    assert change.lost == [ProductExposure("c", "product", ours=0.0, other=1.0)]
