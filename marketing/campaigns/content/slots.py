"""Fill a message's slots: recommended products from the published lists, and the coupon of an offer."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.duckdb_engine import read_parquet
from marketing.campaigns.content.lists import SPARE, Recommend
from marketing.campaigns.definition.campaign import Budget, Offer, Recommendations
from marketing.campaigns.policy.restricted import Products
from marketing.offers.allocation import Candidates, Rules, allocate
from marketing.offers.ranking import ranked_offers
from marketing.offers.worth import Worth

NAME = "coalesce(product_name, product_type)"
"""The name that messages show, of the table of products; a product without one is shown by its id."""

OFFERS = pa.schema(
    [
        ("coupon_id", pa.string()),
        ("face_value", pa.float64()),
        ("expected_margin", pa.float64()),
        ("is_new", pa.bool_()),
    ]
)


def product_slots(customer_ids: pa.Array, slot: Recommendations, recommend: Recommend, products: Products) -> pa.Array:
    """Return the products of each customer, best first, list `[customers]`.

    Age-restricted products are left out, and so is a product whose name stands above it in the list.
    """
    lists = recommend(customer_ids, slot.slate, slot.count * SPARE)
    barred = pa.array(sorted(products.restricted), pa.string())
    lists = lists.filter(pc.invert(pc.is_in(lists["product_id"], barred)))
    wanted = pa.table({"customer_id": customer_ids, "number": np.arange(len(customer_ids))})
    with duckdb.connect() as connection:
        connection.register("lists", lists)
        connection.register("wanted", wanted)
        connection.register("products", products.table)
        found = connection.sql(
            f"""
            WITH named AS (
                SELECT customer_id, rank, product_id, coalesce({NAME}, product_id) AS name
                FROM lists LEFT JOIN products USING (product_id)
            ),
            different AS (
                SELECT customer_id, min(rank) AS rank, arg_min(product_id, rank) AS product_id FROM named
                GROUP BY customer_id, name
            )
            SELECT coalesce(list(product_id ORDER BY rank) FILTER (WHERE product_id IS NOT NULL), [])
                   [:{int(slot.count)}] AS product_ids
            FROM wanted LEFT JOIN different USING (customer_id) GROUP BY number ORDER BY number
            """
        ).to_arrow_table()
    return found["product_ids"].combine_chunks().cast(pa.list_(pa.string()))


def trigger_slots(product_ids: pa.ChunkedArray, slot: Recommendations, products: Products) -> pa.Array:
    """Return the products that the trigger names, without age-restricted ones, list `[targets]`."""
    kept = [
        [product for product in found or () if product not in products.restricted][: slot.count]
        for found in product_ids.to_pylist()
    ]
    return pa.array(kept, pa.list_(pa.string()))


def offer_slots(
    customer_ids: pa.Array,
    slot: Offer,
    budget: Budget,
    scores: Path,
    restricted_coupons: frozenset[str],
    can_be_reached: np.ndarray | None = None,
) -> pa.Table:
    """Return the coupon of each customer, `OFFERS` `[customers]`; empty where no offer is worth making.

    Args:
        customer_ids: sorted.
        slot: the offer.
        budget: the limit of an allocation of `best` coupons.
        scores: the folder of published scores.
        restricted_coupons: coupons that are good for an age-restricted product.
        can_be_reached: which customers the budget is allocated among, bool `[customers]`; None for all.

    Raises:
        ScoresError: no offers are published.
        OffersError: no campaign of coupons runs.
    """
    rows = ranked_offers(scores, Worth(None, slot.face_value, slot.margin))
    table, knows_money = rows.rows, rows.knows_money
    reached = customer_ids if can_be_reached is None else customer_ids.filter(pa.array(can_be_reached))
    kept = pc.is_in(table["customer_id"], reached)
    kept = pc.and_(kept, pc.invert(pc.is_in(table["coupon_id"], pa.array(sorted(restricted_coupons), pa.string()))))
    if slot.coupon != "best":
        kept = pc.and_(kept, pc.equal(table["coupon_id"], slot.coupon))
    table = table.filter(kept)
    if knows_money:
        numbers = pc.index_in(table["customer_id"], customer_ids).to_numpy()
        candidates = Candidates(
            numbers,
            table["expected_margin"].to_numpy(),
            table["face_value"].to_numpy(),
            ~table["is_new"].to_numpy(zero_copy_only=False),
        )
        money = budget.money if budget.money is not None else float(table["face_value"].to_numpy().sum())
        table = table.take(pa.array(allocate(candidates, Rules(money, 1, slot.max_existing_share)).rows))
    else:
        table = _first_of_each(table)
    position = pc.index_in(customer_ids, table["customer_id"].combine_chunks())
    return pa.table({name: table[name].combine_chunks().take(position) for name in OFFERS.names}, schema=OFFERS)


def restricted_coupons(coupons: Path, products: Products) -> frozenset[str]:
    """Return the coupons that are good for an age-restricted product.

    Args:
        coupons: the admitted table of coupons; none if the shop has no coupons.
        products: the shop's products.
    """
    if not coupons.exists():
        return frozenset()
    with duckdb.connect() as connection:
        connection.register("barred", pa.table({"product_id": sorted(products.restricted)}))
        query = f"SELECT DISTINCT coupon_id FROM {read_parquet(coupons)} SEMI JOIN barred USING (product_id)"
        return frozenset(coupon for (coupon,) in connection.execute(query).fetchall())


def _first_of_each(table: pa.Table) -> pa.Table:
    """Return the first row of each customer; the rows are sorted by customer, the best first."""
    ids = table["customer_id"].combine_chunks()
    if not len(ids):
        return table
    return table.filter(pa.concat_arrays([pa.array([True]), pc.not_equal(ids[1:], ids[:-1])]))
