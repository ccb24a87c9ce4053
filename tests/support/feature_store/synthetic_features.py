"""Writes small feature tables of exactly the declared shape."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.declarations import (
    CUSTOMER_CATEGORIES,
    CUSTOMER_HABITS,
    CUSTOMER_HISTORY,
    CUSTOMER_PROFILE,
    PRODUCT_ACTIVITY,
    PRODUCT_CONTENT,
    TABLES,
)
from features.feature import Type

HISTORY = CUSTOMER_HISTORY.inputs(Type.NUMBERS)
PROFILE, TRAITS = CUSTOMER_PROFILE.inputs(Type.NUMBER), CUSTOMER_PROFILE.inputs(Type.TEXT)
CONTENT = [feature.name for feature in PRODUCT_CONTENT.features]
ACTIVITY = [feature.name for feature in PRODUCT_ACTIVITY.features]
CATEGORIES = CUSTOMER_CATEGORIES.inputs(Type.NUMBERS)
HABITS = [feature.name for feature in CUSTOMER_HABITS.features]


def write_feature_tables(
    folder: Path,
    snapshots: Sequence[datetime],
    customers: int = 12,
    products: int = 40,
    history_length: int = 6,
    longest: int | None = None,
    seed: int = 1,
) -> None:
    """Write every declared table; those that campaigns date are empty.

    history_length: mean elements of a customer's arrays; the last customer has `longest`, if given.
    Customer `c1` appears only at the newest snapshot, the arrays of `c2` are empty; values differ from snapshot to
    snapshot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    ids = [f"c{number}" for number in range(1, customers + 1)]
    rows = [(customer, at) for at in sorted(snapshots) for customer in ids if customer != "c1" or at == max(snapshots)]
    lengths = random.integers(max(1, history_length // 2), history_length * 3 // 2 + 1, len(rows))
    if longest is not None:
        lengths[[index for index, (customer, _) in enumerate(rows) if customer == ids[-1]]] = longest
    lengths[[index for index, (customer, _) in enumerate(rows) if customer == "c2"]] = 0
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    total = int(offsets[-1])
    keys = {"customer_id": [customer for customer, _ in rows]}
    times = [at for _, at in rows]
    # Each product once, as dbt's grouping has it; a history longer than the catalogue goes on with further numbers.
    drawn = [random.permutation(max(products, length))[:length] + 1 for length in lengths.tolist()]
    bought = pa.array([f"p{number}" for number in np.concatenate(drawn)], pa.string())
    history = {"product_ids": pa.ListArray.from_arrays(offsets, bought)}
    for name in HISTORY:
        values = pa.array(random.random(total, dtype=np.float32) * 100)
        history[name] = pa.ListArray.from_arrays(offsets, values)
    write_table(folder / "feat_customer_history.parquet", keys | history, times)
    write_table(
        folder / "feat_customer_profile.parquet",
        keys
        | {name: random.random(len(rows)) * 100 for name in PROFILE}
        | {name: [f"{name} {index % 3}" if index % 4 else "" for index in range(len(rows))] for name in TRAITS},
        times,
    )
    catalogue = [f"p{number}" for number in range(1, products + 1)]
    write_table(
        folder / "feat_product_content.parquet",
        {"product_id": catalogue} | {name: [f"{name} of {product}" for product in catalogue] for name in CONTENT},
        [datetime(1970, 1, 1)] * products,
    )
    sold = [(product, at) for at in sorted(snapshots) for product in catalogue]
    write_table(
        folder / "feat_product_activity.parquet",
        {"product_id": [product for product, _ in sold]} | {name: random.random(len(sold)) for name in ACTIVITY},
        [at for _, at in sold],
    )
    # Three categories each, except for the customer without a history.
    bought_from = [[] if customer == "c2" else ["BREAD", "MILK", "SOUP"] for customer, _ in rows]
    numbers = pa.list_(pa.float32())
    write_table(
        folder / "feat_customer_categories.parquet",
        keys
        | {
            "categories": pa.array(bought_from, pa.list_(pa.string())),
            "departments": pa.array([["FOOD"] * len(names) for names in bought_from], pa.list_(pa.string())),
        }
        | {name: pa.array([random.random(len(names)) for names in bought_from], numbers) for name in CATEGORIES},
        times,
    )
    write_table(
        folder / "feat_customer_habits.parquet",
        keys
        | {
            feature.name: random.random(len(rows)) if feature.type is Type.NUMBER else ["1"] * len(rows)
            for feature in CUSTOMER_HABITS.features
        },
        times,
    )
    buyers = [(customer, at) for customer, at in rows if random.random() < 0.7 or at == max(snapshots)]
    write_table(
        folder / "feat_customer_purchases.parquet",
        {
            "customer_id": [customer for customer, _ in buyers],
            "product_ids": pa.array(
                [sorted({f"p{n}" for n in random.integers(1, products + 1, 4)}) for _ in buyers], pa.list_(pa.string())
            ),
        },
        [at for _, at in buyers],
    )
    write_table(
        folder / "feat_customer_outcomes.parquet",
        {
            "customer_id": [customer for customer, _ in buyers],
            "weekly_baskets": pa.array(random.integers(0, 3, (len(buyers), 8)).tolist(), pa.list_(pa.float32())),
            "weekly_spend": pa.array((random.random((len(buyers), 8)) * 50).tolist(), pa.list_(pa.float32())),
        },
        [at for _, at in buyers],
    )
    write_empty_campaign_tables(folder)


def write_empty_campaign_tables(folder: Path) -> None:
    """Write the tables that campaigns date, as a shop without campaigns has them."""
    types = {
        Type.NUMBER: pa.float64(),
        Type.TEXT: pa.string(),
        Type.NUMBERS: pa.list_(pa.float32()),
        Type.TEXTS: pa.list_(pa.string()),
    }
    for table in TABLES:
        if table.of_campaigns:
            columns = {f"{table.entity}_id": pa.array([], pa.string())}
            columns |= {feature.name: pa.array([], types[feature.type]) for feature in table.features}
            write_table(folder / f"feat_{table.name}.parquet", columns, [])


def write_table(
    path: Path, columns: dict, event: Sequence[datetime], created: Sequence[datetime] | None = None
) -> None:
    """One table; `created` is `event` unless given."""
    stamp = pa.timestamp("us")
    times = {
        "event_timestamp": pa.array(event, stamp),
        "created_timestamp": pa.array(event if created is None else created, stamp),
    }
    path.unlink(missing_ok=True)  # as DuckDB does: another file, for a publication may hold a link to this one
    pq.write_table(pa.table(columns | times), path)
