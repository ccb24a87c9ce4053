"""Customers at points in time, with the outcome one horizon later, from the published feature tables.

Every feature comes from the row of its own snapshot, so it holds nothing that was known later. The outcome comes from
`feat_customer_purchases`: each of its rows lists what a customer bought in the four weeks before its snapshot.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml.customers.config import LABEL_WEEKS, ChurnConfig
from ml.errors import NotEnoughDataError

PROFILE = "feat_customer_profile.parquet"
PURCHASES = "feat_customer_purchases.parquet"
RECENCY = "days_since_last_basket"

FEATURES = (
    "baskets",
    "baskets_4w",
    "baskets_13w",
    RECENCY,
    "days_since_first_basket",
    "gap_mean_days",
    "spend_4w",
    "spend_13w",
    "products",
    "basket_size_mean",
    "new_product_share_8w",
    "discount_share",
    "coupon_redemptions",
    "campaigns_received",
)
"""Columns of `feat_customer_profile` that the model reads, in the order of its inputs."""


@dataclass(frozen=True)
class Customers:
    """The active customers at one snapshot.

    Attributes:
        snapshot: naive UTC.
        ids: customer ids, `[n]`, sorted.
        features: the columns of `FEATURES`, float64 `[n, features]`.
    """

    snapshot: datetime
    ids: list[str]
    features: np.ndarray


@dataclass(frozen=True)
class Examples:
    """Customers of one or several snapshots with their outcome.

    Attributes:
        ids: customer ids, `[n]`. A customer occurs once per snapshot.
        features: float64 `[n, features]`.
        churned: bool `[n]`: no purchase within the horizon.
    """

    ids: list[str]
    features: np.ndarray
    churned: np.ndarray


@dataclass(frozen=True)
class Windows:
    """The snapshots of a run. All outcomes of a stage end before the next stage's snapshot.

    Attributes:
        now: the newest snapshot, whose outcome is not known yet.
        evaluation: the snapshot whose outcome ends at `now`; it is scored once, by the gate.
        validation: one horizon before; it chooses the penalty and the opponent.
        tuning: what is fitted for that choice: snapshots from one horizon before `validation` on, the newest first.
        training: what the chosen model is fitted on: snapshots from `validation` on, the newest first.
    """

    now: datetime
    evaluation: datetime
    validation: datetime
    tuning: list[datetime]
    training: list[datetime]


def split(instants: list[datetime], config: ChurnConfig) -> Windows:
    """Choose the snapshots of each stage.

    Args:
        instants: the points in time of the feature tables, the newest first.
        config: the horizon and how many snapshots train.

    Raises:
        NotEnoughDataError: the tables hold too few snapshots, or none a horizon apart.
    """
    now = instants[0]
    evaluation = _weeks_before(instants, now, config.horizon_weeks)
    validation = evaluation and _weeks_before(instants, evaluation, config.horizon_weeks)
    newest_tuning = validation and _weeks_before(instants, validation, config.horizon_weeks)
    if evaluation is None or validation is None or newest_tuning is None:
        raise NotEnoughDataError(
            f"The feature tables reach back to {instants[-1]:%Y-%m-%d}; training, validation and evaluation need "
            f"snapshots {3 * config.horizon_weeks} weeks before {now:%Y-%m-%d}. Raise REACH_SNAPSHOTS "
            "or bring more weeks."
        )
    tuning, training = (
        [instant for instant in instants if instant <= newest][: config.training_snapshots]
        for newest in (newest_tuning, validation)
    )
    return Windows(now, evaluation, validation, tuning, training)


def read_customers(features: Path, snapshot: datetime, active_days: int) -> Customers:
    """Return the customers whose last basket before the snapshot is at most `active_days` old.

    Args:
        features: the folder of a publication.
        snapshot: one of its points in time.
        active_days: see `config.toml`.
    """
    table = pq.read_table(
        features / PROFILE,
        columns=["customer_id", *FEATURES],
        filters=[("event_timestamp", "=", snapshot), (RECENCY, "<=", active_days), ("baskets", ">", 0)],
    ).sort_by("customer_id")
    columns = [pc.fill_null(table[name], 0.0).to_numpy() for name in FEATURES]
    return Customers(snapshot, table["customer_id"].to_pylist(), np.column_stack(columns).astype(np.float64))


def read_examples(features: Path, instants: list[datetime], snapshot: datetime, config: ChurnConfig) -> Examples:
    """Return the active customers of a snapshot with what they did in the horizon after it.

    Args:
        features: the folder of a publication.
        instants: all its points in time.
        snapshot: one of them, at least a horizon before the newest.
        config: the horizon, and who counts as active.

    Raises:
        NotEnoughDataError: the label table has no snapshot at the end of one of the horizon's four weeks.
    """
    customers = read_customers(features, snapshot, config.active_days)
    buyers: set[str] = set()
    for weeks in range(LABEL_WEEKS, config.horizon_weeks + 1, LABEL_WEEKS):
        end = _weeks_before(instants, snapshot, -weeks)
        if end is None:
            raise NotEnoughDataError(
                f"No snapshot is {weeks} weeks after {snapshot:%Y-%m-%d}; set REACH_SNAPSHOT_WEEKS to 1, 2 or 4."
            )
        buyers |= set(_buyers(features, end))
    churned = np.array([customer not in buyers for customer in customers.ids], dtype=bool)
    return Examples(customers.ids, customers.features, churned)


def concatenate(parts: list[Examples]) -> Examples:
    """Return the examples of several snapshots as one."""
    return Examples(
        [customer for part in parts for customer in part.ids],
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.churned for part in parts]),
    )


def write_examples(path: Path, examples: Examples) -> None:
    """Write examples as a Parquet file."""
    columns = {name: examples.features[:, index] for index, name in enumerate(FEATURES)}
    pq.write_table(pa.table({"customer_id": examples.ids, "churned": examples.churned, **columns}), path)


def load_examples(path: Path) -> Examples:
    """Read what `write_examples` wrote."""
    table = pq.read_table(path)
    features = np.column_stack([table[name].to_numpy() for name in FEATURES])
    return Examples(table["customer_id"].to_pylist(), features, table["churned"].to_numpy())


def _buyers(features: Path, end: datetime) -> list[str]:
    table = pq.read_table(features / PURCHASES, columns=["customer_id"], filters=[("event_timestamp", "=", end)])
    found: list[str] = table["customer_id"].to_pylist()
    return found


def _weeks_before(instants: list[datetime], snapshot: datetime, weeks: int) -> datetime | None:
    """Return the snapshot so many weeks before (after, if negative); a clock change moves it by an hour."""
    wanted = snapshot - timedelta(weeks=weeks)
    near = [instant for instant in instants if abs(instant - wanted) <= timedelta(hours=2)]
    return near[0] if near else None
