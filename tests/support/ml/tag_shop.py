"""Feature tables of a small shop whose customers have habits, interests and, half of them, a known age."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.declarations import CUSTOMER_HABITS
from features.feature import Type
from ml.customers.inputs import Inputs
from settings import Settings

CUSTOMERS, TYPES = 240, 40
FIELDS = ("age_band", "income_band", "home_ownership", "marital_status", "household_size", "household_composition")
PURPOSES = frozenset({"age", "home"})


def write_tag_shop(data: Path) -> Inputs:
    """Write the tables of three snapshots, half a year apart from the first to the last.

    Every customer buys 20 baskets in each half-year. Customers with an even number are 55 or older and buy other
    product types; of every four customers, two gave their age. The first customer bought a rare category once. Those
    with an odd number buy milk in most baskets; two of them lost the habit in the newest half-year.
    """
    rng = np.random.default_rng(3)
    every = Settings(data=data).snapshot_instants(datetime(2018, 1, 1).date())
    instants = [every[0], every[4], every[13]]
    folder = data / "features"
    folder.mkdir(parents=True)
    ids = [f"c{number:03}" for number in range(CUSTOMERS)]
    is_old = np.arange(CUSTOMERS) % 2 == 0
    gave = np.arange(CUSTOMERS) % 4 < 2
    level = rng.normal(size=CUSTOMERS)
    names = [f"type {number:02}" for number in range(TYPES)]
    chance = np.where(is_old[:, None], np.linspace(0.05, 0.6, TYPES), np.linspace(0.6, 0.05, TYPES))
    bought = [[int(each) for each in np.flatnonzero(rng.random(TYPES) < chance[row])] for row in range(CUSTOMERS)]
    tables: dict[str, list[pa.Table]] = {name: [] for name in ("profile", "history", "categories", "habits")}
    for instant in instants:
        keys = {"customer_id": ids, "event_timestamp": pa.array([instant] * CUSTOMERS, pa.timestamp("us"))}
        floats = pa.list_(pa.float32())
        counts = [[float(1 + (row + each) % 3) for each in bought[row]] for row in range(CUSTOMERS)]
        tables["history"].append(
            pa.table(
                keys
                | {
                    "product_ids": [[f"p{each}" for each in row] for row in bought],
                    "baskets": pa.array(counts, floats),
                    "spend": pa.array([[2.5 * each for each in row] for row in counts], floats),
                }
            )
        )
        ages = [("65+" if old else "35-44") if known else "" for old, known in zip(is_old, gave, strict=True)]
        fields = {"age_band": ages, "home_ownership": ["Renter", *[""] * (CUSTOMERS - 1)]}
        tables["profile"].append(
            pa.table(
                keys
                | {"baskets": [40.0] * CUSTOMERS}
                | {"days_since_first_basket": [300.0] * CUSTOMERS, "days_since_last_basket": [1.5] * CUSTOMERS}
                | {name: fields.get(name, [""] * CUSTOMERS) for name in (*FIELDS, "kids_count")}
            )
        )
        lost = [number % 120 == 1 and instant == instants[0] for number in range(CUSTOMERS)]
        milk = [17.0 if number % 2 and not lost[number] else 2.0 for number in range(CUSTOMERS)]
        tables["categories"].append(
            pa.table(
                keys
                | {
                    "categories": [["MILK", *(["SALT"] if number == 0 else [])] for number in range(CUSTOMERS)],
                    "baskets_26w": pa.array(
                        [[each, *([1.0] if row == 0 else [])] for row, each in enumerate(milk)], floats
                    ),
                    "days_since_last": pa.array(
                        [[3.5, *([9.0] if row == 0 else [])] for row in range(CUSTOMERS)], floats
                    ),
                }
            )
        )
        habits: dict[str, Any] = {}
        for feature in CUSTOMER_HABITS.features:
            if feature.type is Type.TEXT:
                habits[feature.name] = ["s1" if old else "s2" for old in is_old]
            elif feature.name.startswith("weekend_share"):  # noise: the halves do not agree
                habits[feature.name] = rng.random(CUSTOMERS)
            else:
                habits[feature.name] = 10 + level + rng.normal(scale=0.2, size=CUSTOMERS)
        habits |= {"baskets": [20.0] * CUSTOMERS, "baskets_odd": [10.0] * CUSTOMERS, "baskets_even": [10.0] * CUSTOMERS}
        habits |= {"store_share": [0.75] * CUSTOMERS, "days_since_first": [180.5] * CUSTOMERS}
        tables["habits"].append(pa.table(keys | habits))
    for name, parts in tables.items():
        pq.write_table(pa.concat_tables(parts), folder / f"feat_customer_{name}.parquet")
    content = {"product_id": [f"p{each}" for each in range(TYPES)], "product_type": names}
    pq.write_table(
        pa.table(content | {"category": [f"category {each // 4}" for each in range(TYPES)]}),
        folder / "feat_product_content.parquet",
    )
    return Inputs(folder, instants, seed=1, purposes=PURPOSES)
