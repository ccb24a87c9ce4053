"""Feature tables of a shop with campaigns, small enough to fit on: customers redeem what they or others buy."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.campaigns import CAMPAIGN_COUPONS, CUSTOMER_OFFERS
from features.feature import Type

NOW = datetime(2018, 1, 1, 5)
COUPONS = 12
STARTS = [NOW - timedelta(weeks=weeks) for weeks in (38, 26, 12)]
"""Starts of the campaigns k0, k1 and k2, which last 4 weeks; k3 runs at NOW."""


def write_offer_tables(folder: Path, customers: int = 200, seed: int = 1, face_value: float = 0.0) -> None:
    """Write the three tables that campaigns date.

    Args:
        folder: where they go.
        customers: how many receive each campaign.
        seed: of everything random.
        face_value: of every coupon of the running campaign; 0: unknown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    ids = [f"c{number:04}" for number in range(customers)]
    appetite = random.gamma(1.0, 1.0, customers)
    offers, coupons, labels = [], [], []
    for number, at in enumerate([*STARTS, NOW]):
        campaign = f"k{number}"
        names = [f"x{coupon}" for coupon in range(COUPONS)]
        popularity = random.integers(5, 60, COUPONS).astype(float)
        coupons.append(
            {
                "campaign_id": campaign, "event_timestamp": at, "campaign_type": "AB"[number % 2],
                "customers": float(customers), "days_left": 28.0, "coupon_ids": names,
                "coupon_products": [10.0] * COUPONS, "coupon_buyers_13w": popularity,
                "coupon_baskets_13w": popularity * 2, "coupon_sales_13w": popularity * 5,
                "face_value": [face_value if at == NOW else 0.0] * COUPONS,
                "margin": [3 * face_value if at == NOW else 0.0] * COUPONS,
            }
        )  # fmt: skip
        for row, customer in enumerate(ids):
            baskets = random.poisson(appetite[row] * popularity / 60).astype(float)
            bought = np.flatnonzero(baskets)
            chance = 1 / (1 + np.exp(4.0 - 1.2 * np.log1p(baskets) - 0.8 * appetite[row] - popularity / 60))
            redeemed = np.flatnonzero(random.random(COUPONS) < chance)
            offers.append(
                {
                    "customer_id": customer, "event_timestamp": at,
                    **{f"total_{name}": float(baskets.sum()) for name in ("spend_13w", "baskets_13w", "baskets_4w")},
                    "total_products": 9.0, "days_since_last_basket": 5.0, "campaigns_before": float(number),
                    **dict.fromkeys(("coupons_redeemed", "coupons_redeemed_13w", "campaigns_redeemed"), 0.0),
                    "campaign_ids": [campaign] * len(bought), "coupon_ids": [names[each] for each in bought],
                    **dict.fromkeys(("own_baskets", "own_baskets_13w", "own_baskets_4w"), baskets[bought]),
                    **dict.fromkeys(("own_spend", "own_spend_13w"), 3 * baskets[bought]),
                    "own_days_since_last": [7.0] * len(bought),
                    "category_baskets_13w": baskets[bought], "category_share": [1.0] * len(bought),
                }
            )  # fmt: skip
            if at < NOW:
                labels.append(
                    {
                        "customer_id": customer, "event_timestamp": at + timedelta(days=28),
                        "campaign_ids": [campaign], "redeemed_campaign_ids": [campaign] * len(redeemed),
                        "redeemed_coupon_ids": [names[each] for each in redeemed],
                    }
                )  # fmt: skip
    types = {Type.NUMBERS: pa.list_(pa.float32()), Type.TEXTS: pa.list_(pa.string())}
    for table, rows in ((CUSTOMER_OFFERS, offers), (CAMPAIGN_COUPONS, coupons)):
        lists = {each.name: types[each.type] for each in table.features if each.type in types}
        _write(folder / f"feat_{table.name}.parquet", rows, lists)
    texts = types[Type.TEXTS]
    redeemed_columns = ("campaign_ids", "redeemed_campaign_ids", "redeemed_coupon_ids")
    _write(folder / "feat_customer_redemptions.parquet", labels, dict.fromkeys(redeemed_columns, texts))


def _write(path: Path, rows: list[dict], lists: dict[str, pa.DataType]) -> None:
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        kind = lists.get(name) or (pa.timestamp("us") if name == "event_timestamp" else None)
        columns[name] = pa.array([list(each) for each in values] if name in lists else values, kind)
    pq.write_table(pa.table(columns), path)
