"""Read customers as they were known at a snapshot, and their purchases of the weeks after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from core.duckdb_engine import quote_literal
from ml.customers.inputs import CLOCK_CHANGE, Inputs
from ml.customers.predictions.bg_nbd import Repeats

ROW_WEEKS = 8
"""Weeks that a row of `feat_customer_outcomes` holds."""

ROWS = 3
"""Rows that make a history: one of the snapshot, one of 8 and one of 16 weeks before."""

WEEKLY = ("weekly_baskets", "weekly_spend")
"""The lists of a row."""

PROFILE = (
    "baskets", "baskets_4w", "baskets_13w", "days_since_last_basket", "days_since_first_basket", "gap_mean_days",
    "spend_4w", "spend_13w", "products", "basket_size_mean", "new_product_share_8w", "discount_share",
    "coupon_redemptions", "campaigns_received",
)  # fmt: skip
"""Columns of `feat_customer_profile` that are read."""


@dataclass(frozen=True)
class Customers:
    """The customers with at least one basket before a snapshot.

    Attributes:
        ids: customer ids, `[n]`, sorted.
        profile: the columns of `PROFILE`, floats `[n]`.
        baskets: baskets by week, the latest week first, float `[n, weeks]`.
        spend: money by week, float `[n, weeks]`.
    """

    ids: Sequence[str]
    profile: Mapping[str, np.ndarray]
    baskets: np.ndarray
    spend: np.ndarray

    @property
    def weeks_known(self) -> np.ndarray:
        """Return the weeks since the first basket, at least one, float `[n]`."""
        return np.maximum(self.profile["days_since_first_basket"] / 7, 1.0)

    @property
    def repeats(self) -> Repeats:
        """Return the input of BG/NBD."""
        age = self.profile["days_since_first_basket"] / 7
        last = np.clip(age - self.profile["days_since_last_basket"] / 7, 0.0, None)
        return Repeats(np.maximum(self.profile["baskets"] - 1, 0.0), last, age)


@dataclass(frozen=True)
class Outcomes:
    """Purchases of the same customers in the 8 weeks before a later snapshot, the latest week first.

    Attributes:
        baskets: baskets by week, float `[n, weeks]`.
        spend: money by week, float `[n, weeks]`.
    """

    baskets: np.ndarray
    spend: np.ndarray

    def first(self, elapsed: timedelta, weeks: int) -> tuple[np.ndarray, np.ndarray]:
        """Return whether customers ordered in the first weeks after the earlier snapshot, and how much they spent.

        Args:
            elapsed: from the earlier snapshot to the later one.
            weeks: how many weeks after the earlier one.
        """
        until = round(elapsed / timedelta(weeks=1))
        window = slice(until - weeks, until)
        return self.baskets[:, window].sum(axis=1) > 0, self.spend[:, window].sum(axis=1)


class History:
    """Reads customers and outcomes, each snapshot once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, inputs: Inputs, limit: int | None = None):
        """Read from `connection`, which is one of `inputs`; of each snapshot at most `limit` drawn customers."""
        self._connection = connection
        self._inputs = inputs
        self._limit = limit
        self._customers: dict[datetime, Customers] = {}
        self._outcomes: dict[tuple[datetime, datetime], Outcomes] = {}

    def customers(self, snapshot: datetime) -> Customers:
        """Return the customers of a snapshot."""
        if snapshot not in self._customers:
            self._customers[snapshot] = self._read_customers(snapshot)
        return self._customers[snapshot]

    def outcomes(self, snapshot: datetime, end: datetime) -> Outcomes:
        """Return the purchases of a snapshot's customers until a later one, at most 8 weeks after it."""
        if (snapshot, end) not in self._outcomes:
            ids = pa.array(self.customers(snapshot).ids, pa.string())
            self._outcomes[snapshot, end] = Outcomes(*self._weekly(ids, [end]))
        return self._outcomes[snapshot, end]

    def _read_customers(self, snapshot: datetime) -> Customers:
        columns = ", ".join(f"coalesce({name}, 0) AS {name}" for name in PROFILE)
        drawn = f"QUALIFY row_number() OVER (ORDER BY md5(customer_id || {self._inputs.seed})) <= {self._limit}"
        table = self._connection.sql(
            f"SELECT customer_id, {columns} FROM feat_customer_profile"
            f" WHERE event_timestamp = {_instant(snapshot)} AND baskets > 0 {drawn if self._limit else ''}"
            " ORDER BY customer_id"
        ).to_arrow_table()
        earlier = [snapshot - timedelta(weeks=ROW_WEEKS * row) for row in range(ROWS)]
        near = [_near(self._inputs.instants, instant) for instant in earlier]
        ids = table["customer_id"].combine_chunks()
        profile = {name: table[name].to_numpy().astype(np.float64) for name in PROFILE}
        return Customers(ids.to_pylist(), profile, *self._weekly(ids, [each for each in near if each is not None]))

    def _weekly(self, ids: pa.Array, instants: Sequence[datetime]) -> tuple[np.ndarray, np.ndarray]:
        """Return baskets and money of each customer in the 8 weeks before each instant, zero without a row."""
        selected = ", ".join(
            f"list_resize(coalesce(row_{row}.{name}, []::FLOAT[]), {ROW_WEEKS}, 0) AS {name}_{row}"
            for row in range(len(instants))
            for name in WEEKLY
        )
        joined = " ".join(
            f"LEFT JOIN (SELECT * FROM feat_customer_outcomes WHERE event_timestamp = {_instant(instant)}) AS row_{row}"
            " USING (customer_id)"
            for row, instant in enumerate(instants)
        )
        self._connection.register("asked", pa.table({"customer_id": ids}))
        table = self._connection.sql(f"SELECT {selected} FROM asked {joined} ORDER BY customer_id").to_arrow_table()
        self._connection.unregister("asked")
        baskets, spend = (
            np.concatenate([_matrix(table[f"{name}_{row}"]) for row in range(len(instants))], axis=1) for name in WEEKLY
        )
        return baskets, spend


def outcome_end(instants: Sequence[datetime], snapshot: datetime, weeks: int) -> datetime | None:
    """Return the first snapshot whose row holds the first weeks after an earlier one, None if there is none."""
    after = [
        instant
        for instant in instants
        if timedelta(weeks=weeks) - CLOCK_CHANGE <= instant - snapshot <= timedelta(weeks=ROW_WEEKS) + CLOCK_CHANGE
    ]
    return min(after, default=None)


def _matrix(lists: pa.ChunkedArray) -> np.ndarray:
    values = lists.combine_chunks().flatten().to_numpy()
    return np.asarray(values.reshape(-1, ROW_WEEKS), dtype=np.float64)


def _near(instants: Sequence[datetime], wanted: datetime) -> datetime | None:
    return next((instant for instant in instants if abs(instant - wanted) <= CLOCK_CHANGE), None)


def _instant(instant: datetime) -> str:
    return f"TIMESTAMP {quote_literal(instant)}"
