"""Feature tables of made-up customers who buy at random by their own rates, for the customer model."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WEEKS = 52
CATEGORIES = ("BREAD", "MILK", "WINE")


def write_customers(folder: Path, instants: Sequence[datetime], customers: int, seed: int = 3) -> None:
    """Write profile, outcomes and categories at each instant, which are two weeks apart, newest first.

    A customer buys at a rate of their own until a week in which they may leave; `BREAD` is bought in most baskets,
    `MILK` in half of them and `WINE` seldom.
    """
    rng = np.random.default_rng(seed)
    rates = rng.gamma(1.5, 1.0, customers) + 0.05
    ends = np.where(rng.uniform(size=customers) < 0.4, rng.integers(8, WEEKS, customers), WEEKS)
    active = np.arange(WEEKS)[None, :] < ends[:, None]
    baskets = rng.poisson(rates[:, None], (customers, WEEKS)) * active
    baskets[:, 0] = 1
    spend = baskets * rng.gamma(4, 8, customers)[:, None] * rng.uniform(0.7, 1.3, (customers, WEEKS))
    by_category = np.stack([rng.binomial(baskets, share) for share in (0.8, 0.5, 0.1)], axis=1)
    tables: dict[str, list[pa.Table]] = {"customer_profile": [], "customer_outcomes": [], "customer_categories": []}
    for number, instant in enumerate(instants):
        until = WEEKS - 2 * number
        tables["customer_profile"].append(_profile(baskets[:, :until], spend[:, :until], instant))
        tables["customer_outcomes"].append(_outcomes(baskets[:, :until], spend[:, :until], instant))
        tables["customer_categories"].append(_categories(by_category[:, :, :until], instant))
    for name, parts in tables.items():
        pq.write_table(pa.concat_tables(parts), folder / f"feat_{name}.parquet")


def _dated(ids: Sequence[int], instant: datetime) -> dict[str, pa.Array]:
    names = pa.array([f"c{number:04}" for number in ids], pa.string())
    return {"customer_id": names, "event_timestamp": pa.array([instant] * len(ids), pa.timestamp("us"))}


def _since_last(counts: np.ndarray) -> np.ndarray:
    """Return days since the last week with a count, all days if there is none, by row."""
    weeks = counts.shape[-1]
    last = np.where(counts > 0, np.arange(weeks), -1).max(axis=-1)
    return (weeks - last) * 7.0 - 3.5


def _profile(baskets: np.ndarray, spend: np.ndarray, instant: datetime) -> pa.Table:
    total, age = baskets.sum(axis=1).astype(float), baskets.shape[1] * 7.0 - 3.5
    since_last = _since_last(baskets)
    return pa.table(
        _dated(range(len(baskets)), instant)
        | {
            "baskets": total,
            "baskets_4w": baskets[:, -4:].sum(axis=1).astype(float),
            "baskets_13w": baskets[:, -13:].sum(axis=1).astype(float),
            "days_since_last_basket": since_last,
            "days_since_first_basket": np.full(len(baskets), age),
            "gap_mean_days": (age - since_last) / np.maximum(total - 1, 1),
            "spend_4w": spend[:, -4:].sum(axis=1),
            "spend_13w": spend[:, -13:].sum(axis=1),
            "products": total * 3,
            "basket_size_mean": np.full(len(baskets), 5.0),
            "new_product_share_8w": np.full(len(baskets), 0.2),
            "discount_share": np.full(len(baskets), 0.1),
            "coupon_redemptions": np.zeros(len(baskets)),
            "campaigns_received": np.zeros(len(baskets)),
        }
    )


def _outcomes(baskets: np.ndarray, spend: np.ndarray, instant: datetime) -> pa.Table:
    recent = np.flatnonzero(baskets[:, -8:].sum(axis=1) > 0)
    lists = {
        name: pa.array(values[recent, -8:][:, ::-1].tolist(), pa.list_(pa.float32()))
        for name, values in (("weekly_baskets", baskets), ("weekly_spend", spend))
    }
    return pa.table(_dated(recent.tolist(), instant) | lists)


def _categories(counts: np.ndarray, instant: datetime) -> pa.Table:
    columns = {
        **{f"baskets_{weeks}w": counts[:, :, -weeks:].sum(axis=2) for weeks in (4, 8, 13, 26)},
        "baskets": counts.sum(axis=2),
        "days_since_last": _since_last(counts),
    }
    bought = [np.flatnonzero(row.sum(axis=1)) for row in counts]
    lists = {
        name: pa.array([values[row, known].tolist() for row, known in enumerate(bought)], pa.list_(pa.float32()))
        for name, values in columns.items()
    }
    names = pa.array([[CATEGORIES[index] for index in known] for known in bought], pa.list_(pa.string()))
    return pa.table(_dated(range(len(counts)), instant) | {"categories": names} | lists)
