"""Write what the offers of running campaigns are chosen from: pairs, contacts and coupons."""

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.customers.inputs import Inputs
from ml.customers.offers.model import OfferModel
from ml.customers.offers.pairs import Pairs, running_campaigns, running_pairs, running_parts

logger = logging.getLogger(__name__)

BEST = 20
"""Pairs per customer that are kept by probability; as many new pairs as half of it are kept besides."""

RECENT_DAYS = 91.0

_ID = pa.string()
PAIRS = pa.schema(
    [
        ("customer_id", _ID), ("campaign_id", _ID), ("coupon_id", _ID), ("probability", pa.float64()),
        ("attraction", pa.float64()), ("is_new", pa.bool_()), ("bought_anyway", pa.float64()),
        ("own_baskets_13w", pa.float64()),
    ]
)  # fmt: skip
CONTACTS = pa.schema([("customer_id", _ID), ("campaign_id", _ID), ("redeems", pa.float64())])
COUPONS = pa.schema(
    [
        ("coupon_id", _ID), ("campaign_id", _ID), ("campaign_type", _ID), ("starts_at", pa.timestamp("us")),
        ("closes_at", pa.timestamp("us")), ("products", pa.float64()), ("face_value", pa.float64()),
        ("margin", pa.float64()),
    ]
)  # fmt: skip


def publish(inputs: Inputs, model: OfferModel, folder: Path) -> None:
    """Write three tables of the campaigns that run at `inputs.now`, sorted by customer or coupon.

    * `offer_pairs.parquet`: customer_id, campaign_id, coupon_id, probability (that the customer redeems the coupon if
      it is offered), attraction (by which the coupons of a customer are ranked if no worth is known), is_new (none of
      its products bought in 13 weeks), bought_anyway (the probability that the customer buys one of them before the
      campaign closes without the coupon), own_baskets_13w. Of each customer the 20 most probable coupons, and the 10
      most probable new ones.
    * `offer_contacts.parquet`: customer_id, campaign_id, redeems (the probability of at least one redemption).
    * `offer_coupons.parquet`: coupon_id, campaign_id, campaign_type, starts_at, closes_at, products, face_value and
      margin (empty if unknown).
    """
    with (
        inputs.connect() as connection,
        pq.ParquetWriter(folder / "offer_pairs.parquet", PAIRS) as pairs_file,
        pq.ParquetWriter(folder / "offer_contacts.parquet", CONTACTS) as contacts_file,
    ):
        campaigns = running_campaigns(connection, inputs.now)
        parts = running_parts(connection, inputs.now)
        for part in range(parts) if campaigns else ():
            pairs = running_pairs(connection, campaigns, inputs.now, part, parts)
            if len(pairs.customers):
                pairs_table, contacts_table = _scored(pairs, model)
                pairs_file.write_table(pairs_table)
                contacts_file.write_table(contacts_table)
        coupons: pa.Table = connection.sql(
            "SELECT coupon_id, campaign_id, campaign_type, starts_at, closes_at, products,"
            " nullif(face_value, 0) AS face_value, CASE WHEN face_value > 0 THEN margin END AS margin FROM ("
            " SELECT campaign_id, campaign_type, event_timestamp AS starts_at,"
            "  event_timestamp + to_microseconds(CAST(round(days_left * 86400000000) AS BIGINT)) AS closes_at,"
            "  unnest(coupon_ids) AS coupon_id, CAST(unnest(coupon_products) AS DOUBLE) AS products,"
            "  CAST(unnest(face_value) AS DOUBLE) AS face_value, CAST(unnest(margin) AS DOUBLE) AS margin"
            "  FROM feat_campaign_coupons WHERE event_timestamp = $now)"
            " ORDER BY coupon_id, campaign_id",
            params={"now": inputs.now},
        ).to_arrow_table()
    pq.write_table(coupons.cast(COUPONS), folder / "offer_coupons.parquet")
    if not campaigns:
        logger.info("No campaign runs at %s, so there is no coupon to offer.", f"{inputs.now:%Y-%m-%d}")


def _scored(pairs: Pairs, model: OfferModel) -> tuple[pa.Table, pa.Table]:
    prediction = model.predict(pairs)
    baskets = pairs.columns["own_baskets_13w"].astype(float)
    is_new = baskets == 0
    campaign = np.array([each.campaign_id for each in pairs.campaigns], object)[pairs.contact_campaign]
    days = np.array([(each.closes_at - each.at).total_seconds() / 86400 for each in pairs.campaigns])
    days_left = days[pairs.contact_campaign][pairs.contact]
    # Purchases of a customer with so many baskets in 13 weeks, as a gamma-Poisson process without a prior.
    anyway = 1 - (RECENT_DAYS / (RECENT_DAYS + days_left)) ** baskets
    kept = _best(pairs.customers[pairs.contact], prediction.pairs, np.ones(len(is_new), bool), BEST)
    kept |= _best(pairs.customers[pairs.contact], prediction.pairs, is_new, BEST // 2)
    table = pa.table(
        {
            "customer_id": pairs.customers[pairs.contact][kept],
            "campaign_id": campaign[pairs.contact][kept],
            "coupon_id": pairs.coupons[kept],
            "probability": prediction.pairs[kept],
            "attraction": prediction.attraction[kept],
            "is_new": is_new[kept],
            "bought_anyway": anyway[kept],
            "own_baskets_13w": baskets[kept],
        },
        schema=PAIRS,
    )
    order = [("customer_id", "ascending"), ("probability", "descending"), ("coupon_id", "ascending")]
    contacts = pa.table(
        {"customer_id": pairs.customers, "campaign_id": campaign, "redeems": prediction.contacts}, schema=CONTACTS
    )
    return table.sort_by(order), contacts.sort_by([("customer_id", "ascending"), ("campaign_id", "ascending")])


def _best(customers: np.ndarray, scores: np.ndarray, usable: np.ndarray, count: int) -> np.ndarray:
    """Return which usable rows are among the best of their customer."""
    rows = np.flatnonzero(usable)
    _, numbers = np.unique(customers[rows].astype(str), return_inverse=True)
    order = np.lexsort((-scores[rows], numbers))
    group = numbers[order]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    rank = np.arange(len(order)) - first[group]
    chosen = np.zeros(len(customers), bool)
    chosen[rows[order[rank < count]]] = True
    return chosen
