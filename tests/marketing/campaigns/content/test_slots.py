"""Slots: products of the published lists without age-restricted ones, and coupons under the budget."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.restricted import Restricted
from marketing.campaigns.content.lists import published_lists
from marketing.campaigns.content.slots import offer_slots, product_slots, restricted_coupons
from marketing.campaigns.definition.campaign import Budget, Offer, Recommendations
from marketing.campaigns.policy.contact_policy import load_contact_policy
from marketing.campaigns.policy.restricted import COLUMNS, Products, read_products
from settings import Settings
from tests.support.marketing.campaign_shop import campaign_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation, which these tests only read."""
    return campaign_shop(tmp_path_factory.mktemp("slots") / "data")


def test_products_keep_their_order_and_leave_out_restricted_ones(shop: Settings) -> None:
    products = read_products(shop.paths.admitted / "products.parquet", load_contact_policy(None).restricted)
    recommend = published_lists(shop.paths)
    ids = pa.array(["unknown", "1", "10", "2"])
    slot = Recommendations(slate="explore", count=2)
    assert product_slots(ids, slot, recommend, products).to_pylist() == [[], [], ["p2", "p3"], ["p2", "p3"]]
    assert product_slots(ids[:0], slot, recommend, products).to_pylist() == []


def test_coupons_are_allocated_under_the_budget_and_the_rest_gets_none(shop: Settings) -> None:
    ids = pa.array(["1", "2", "3", "4"])
    slot = Offer(max_existing_share=1.0)
    every = offer_slots(ids, slot, Budget(), shop.paths.customers, frozenset())
    assert every["coupon_id"].to_pylist() == ["y", "x", "y", None]
    one = offer_slots(ids, slot, Budget(money=1.0), shop.paths.customers, frozenset())
    assert one["coupon_id"].to_pylist() == [None, "x", None, None]
    barred = offer_slots(ids, slot, Budget(), shop.paths.customers, frozenset({"y"}))
    assert "y" not in barred["coupon_id"].to_pylist()
    fixed = offer_slots(ids, Offer(coupon="x", max_existing_share=1.0), Budget(), shop.paths.customers, frozenset())
    assert set(fixed["coupon_id"].to_pylist()) == {"x", None}


def test_a_coupon_for_a_restricted_product_is_restricted(shop: Settings, tmp_path: Path) -> None:
    products = read_products(shop.paths.admitted / "products.parquet", load_contact_policy(None).restricted)
    file = tmp_path / "coupons.parquet"
    assert restricted_coupons(file, products) == frozenset()
    pq.write_table(pa.table({"coupon_id": ["x", "x", "y"], "product_id": ["p1", "p2", "p2"]}), file)
    assert restricted_coupons(file, products) == {"x"}


def test_coupons_go_to_customers_who_can_be_reached(shop: Settings) -> None:
    ids, reached = pa.array(["1", "2", "3"]), np.array([False, False, True])
    slot, budget = Offer(max_existing_share=1.0), Budget(money=1.0)
    found = offer_slots(ids, slot, budget, shop.paths.customers, frozenset(), reached)
    assert found["coupon_id"].to_pylist() == [None, None, "y"]


def test_two_products_of_one_name_are_shown_once(shop: Settings) -> None:
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    names = {"p1": "Milk", "p2": None, "p3": "Milk", "p4": None}
    rows = [{"product_id": product, "product_name": name} for product, name in names.items()]
    products = Products(pa.Table.from_pylist(rows, schema), frozenset(), frozenset(), Restricted())

    def recommend(customer_ids: pa.Array, slate: str, count: int) -> pa.Table:
        listed = ["p1", "p2", "p3", "p4", "p9"]
        return pa.table({"customer_id": ["a"] * 5, "rank": [1, 2, 3, 4, 5], "product_id": listed})

    found = product_slots(pa.array(["a"]), Recommendations(count=5), recommend, products)
    assert found.to_pylist() == [["p1", "p2", "p4", "p9"]]
