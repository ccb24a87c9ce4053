"""Days between a customer's purchases: how the silence until now compares with the earlier ones.

The product history holds the first and the last day of each product. Together these are nearly all of a customer's
recent shopping days (on the demo's data 12 of 13 in 13 weeks), so no further table is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from core.duckdb_engine import quote_literal

TABLE = "feat_customer_history"
DAYS = 182
"""Only the shopping days of the last half-year count."""

WEEKS = (1, 2)
"""The horizons in which silences of days decide: over 4 and 8 weeks they added nothing to silent weeks."""

PRIOR_GAPS, PRIOR_DAYS = 2.0, 14.0
"""Gaps that every customer is taken to have besides the own ones, and their length."""

PRIOR_SILENCES = 3.0
"""How many own silences weigh as much as the expectation from the mean gap."""


@dataclass(frozen=True)
class Gaps:
    """The gaps between a customer's shopping days, floats `[n]`.

    Attributes:
        silence: days since the last shopping day, `DAYS` if there is none.
        count: number of gaps.
        total: their days.
        longest: days of the longest gap, 0 without one.
        longer: number of gaps longer than the silence.
        ended: by number of weeks, how many of these ended within that time after the length of the silence.
    """

    silence: np.ndarray
    count: np.ndarray
    total: np.ndarray
    longest: np.ndarray
    longer: np.ndarray
    ended: Mapping[int, np.ndarray]

    def order_log_odds(self, weeks: int) -> np.ndarray:
        """Return the log odds that the silence ends within some weeks, by the earlier silences that lasted as long."""
        mean_gap = (self.total + PRIOR_GAPS * PRIOR_DAYS) / (self.count + PRIOR_GAPS)
        expected = np.clip(1 - np.exp(-7 * weeks / mean_gap), 0.01, 0.99)
        ended = self.ended[weeks]
        lasting = self.longer - ended
        return np.asarray(np.log((ended + PRIOR_SILENCES * expected) / (lasting + PRIOR_SILENCES * (1 - expected))))

    @property
    def silence_over_longest(self) -> np.ndarray:
        """Return the logarithm of the silence over the longest gap, 0 without a gap."""
        return np.asarray(np.where(self.count > 0, np.log((self.silence + 1) / (self.longest + 1)), 0.0))


def read_gaps(connection: duckdb.DuckDBPyConnection, ids: pa.Array, snapshot: datetime) -> Gaps:
    """Read the gaps of these customers, sorted by id, before a snapshot."""
    ended = ", ".join(
        f"count(gap) FILTER (gap > silence AND gap <= silence + {7 * weeks}) AS ended_{weeks}" for weeks in WEEKS
    )
    connection.register("asked", pa.table({"customer_id": ids}))
    table = connection.sql(
        f"""
        WITH days AS (
            SELECT DISTINCT customer_id, unnest(list_filter(
                list_transform(list_concat(days_since_last, days_since_first), lambda days: floor(days)),
                lambda days: days < {DAYS}
            )) AS day
            FROM {TABLE} SEMI JOIN asked USING (customer_id)
            WHERE event_timestamp = TIMESTAMP {quote_literal(snapshot)}
        ),
        gaps AS (
            SELECT customer_id, lead(day) OVER by_customer - day AS gap, first_value(day) OVER by_customer AS silence
            FROM days WINDOW by_customer AS (PARTITION BY customer_id ORDER BY day)
        ),
        summed AS (
            SELECT customer_id, any_value(silence) AS silence, count(gap) AS count, sum(gap) AS total,
                   max(gap) AS longest, count(gap) FILTER (gap > silence) AS longer, {ended}
            FROM gaps GROUP BY customer_id
        )
        SELECT coalesce(silence, {DAYS}) AS silence, COLUMNS(* EXCLUDE (customer_id, silence))
        FROM asked LEFT JOIN summed USING (customer_id) ORDER BY customer_id"""
    ).to_arrow_table()
    connection.unregister("asked")
    columns = {name: table[name].fill_null(0).to_numpy().astype(np.float64) for name in table.column_names}
    return Gaps(
        **{name: columns[name] for name in ("silence", "count", "total", "longest", "longer")},
        ended={weeks: columns[f"ended_{weeks}"] for weeks in WEEKS},
    )
