"""A made-up shop with three tastes and lasting differences in spend, as feature tables."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.customers.inputs import Inputs

NOW = datetime(2018, 1, 1)
DEPARTMENTS = ("DRINKS", "MEAT", "PRODUCE")
CATEGORIES = {
    "BEEF": "MEAT",
    "BEER": "DRINKS",
    "FRUIT": "PRODUCE",
    "GREENS": "PRODUCE",
    "PORK": "MEAT",
    "SODA": "DRINKS",
}
STRENGTH = 0.8
"""Share of the purchases of a customer that fall in the own department."""


def write_segment_shop(folder: Path, customers: int, with_categories: bool = True) -> Inputs:
    """Write the tables that segments read: 21 snapshots, two weeks apart.

    Customer k likes department k modulo 3, and spends as much as the position among all customers.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    instants = [NOW - timedelta(weeks=2 * k) for k in range(21)]
    ids = [f"c{k:04}" for k in range(customers)]
    level = np.exp(rng.normal(0, 1, customers))
    own = np.array([[DEPARTMENTS.index(d) == k % 3 for d in CATEGORIES.values()] for k in range(customers)])
    share = np.where(own, STRENGTH / 2, (1 - STRENGTH) / 4)
    profile, bought = [], []
    for instant in instants:
        spend = 100 * level[:, None] * share * rng.gamma(8, 1 / 8, share.shape)
        for k, customer in enumerate(ids):
            profile.append((customer, instant, spend[k].sum() / 2, spend[k].sum() / 6, 1.0, 13.0))
            row = list(spend[k]) if with_categories else []
            bought.append((customer, instant, row, [10.0] * len(row), [3.0] * len(row)))
    names = list(CATEGORIES) if with_categories else []
    tables = {
        "feat_customer_profile": pa.table(
            dict(
                zip(
                    (
                        "customer_id",
                        "event_timestamp",
                        "spend_13w",
                        "spend_4w",
                        "days_since_last_basket",
                        "baskets_13w",
                    ),
                    map(list, zip(*profile, strict=True)),
                    strict=True,
                )
            )
        ),
        "feat_customer_categories": pa.table(
            {
                "customer_id": [row[0] for row in bought],
                "event_timestamp": [row[1] for row in bought],
                "categories": pa.array([names] * len(bought), pa.list_(pa.string())),
                "departments": pa.array([[CATEGORIES[n] for n in names]] * len(bought), pa.list_(pa.string())),
                "spend_26w": pa.array([row[2] for row in bought], pa.list_(pa.float32())),
                "baskets_26w": pa.array([row[3] for row in bought], pa.list_(pa.float32())),
                "baskets_8w": pa.array([row[4] for row in bought], pa.list_(pa.float32())),
                "baskets_13w": pa.array([row[4] for row in bought], pa.list_(pa.float32())),
            }
        ),
    }
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return Inputs(folder, instants, seed=1)
