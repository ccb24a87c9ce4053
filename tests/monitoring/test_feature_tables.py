"""Features that no longer change and features that have moved are named; others are not."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from core.duckdb_engine import connect, quote_literal
from monitoring.feature_tables import feature_figures, population_stability
from monitoring.policy import evaluated, load_policy

pytestmark = pytest.mark.unit

SNAPSHOTS = 12
NEWEST = f"index = {SNAPSHOTS - 1}"


def publication(folder: Path, spend: str = "drawn", days_between: int = 14) -> Path:
    """Write 500 customers whose spend is drawn again at each snapshot, and whose band never changes."""
    duckdb.sql(
        f"""
        COPY (
            WITH rows AS (
                SELECT 'c' || n AS customer_id, n, index,
                    TIMESTAMP '2026-01-01' + to_days(CAST(index * {days_between} AS INTEGER)) AS event_timestamp,
                    (hash(n || '/' || index) % 1000) / 10.0 AS drawn,
                    (hash(n || '/' || (index - 1)) % 1000) / 10.0 AS former
                FROM range(500) AS customers(n), range({SNAPSHOTS}) AS snapshots(index)
            )
            SELECT customer_id, event_timestamp, {spend} AS spend, CAST(n % 3 AS VARCHAR) AS band FROM rows
        ) TO {quote_literal(folder / "feat_customer.parquet")} (FORMAT parquet)
        """
    )
    return folder


def alarms(folder: Path) -> list[tuple[str, str | None]]:
    with connect(folder / "spill", "200MB") as connection:
        figures = feature_figures(connection, folder)
    assert figures
    last = max(figure.day for figure in figures)
    return [
        (one.figure.watch, one.figure.subject)
        for one in evaluated(figures, load_policy())
        if one.is_alarm and one.figure.day == last
    ]


def test_features_that_are_drawn_anew_raise_no_alarm(tmp_path: Path) -> None:
    assert alarms(publication(tmp_path)) == []


def test_a_feature_that_keeps_its_former_values_is_stuck(tmp_path: Path) -> None:
    stuck = f"CASE WHEN {NEWEST} THEN former ELSE drawn END"
    assert alarms(publication(tmp_path, stuck)) == [("stuck_feature", "customer.spend")]


def test_a_feature_that_is_twice_as_large_has_drifted(tmp_path: Path) -> None:
    doubled = f"CASE WHEN {NEWEST} THEN 2 ELSE 1 END * drawn"
    assert alarms(publication(tmp_path, doubled)) == [("feature_drift", "customer.spend")]


def test_a_feature_that_moves_as_much_each_time_has_not_drifted(tmp_path: Path) -> None:
    assert alarms(publication(tmp_path, "drawn + 40 * index")) == []


def test_tables_without_a_regular_history_are_not_watched(tmp_path: Path) -> None:
    publication(tmp_path)
    duckdb.sql(f"CREATE TABLE t AS FROM {quote_literal(tmp_path / 'feat_customer.parquet')}")
    duckdb.sql(
        "COPY (SELECT * FROM t WHERE event_timestamp != TIMESTAMP '2026-02-12') "
        f"TO {quote_literal(tmp_path / 'feat_customer.parquet')} (FORMAT parquet)"
    )
    duckdb.sql("DROP TABLE t")
    with connect(tmp_path / "spill", "200MB") as connection:
        assert feature_figures(connection, tmp_path) == []


def test_the_index_of_two_samples_is_that_of_the_formula() -> None:
    before = np.repeat([0.0, 1.0], [500, 500])
    now = np.repeat([0.0, 1.0], [250, 750])
    # Two bins with half a row added to each: the shares are (500.5, 500.5) and (250.5, 750.5) of 1,001.
    p, q = np.array([250.5, 750.5]) / 1001, np.array([500.5, 500.5]) / 1001
    expected = float(np.sum((p - q) * np.log(p / q)))
    # Tenths of the former sample are 0 and 1 alone, so a third bin, below 0, is empty in both.
    assert population_stability(before, now) == pytest.approx(expected, abs=2e-3)
    assert population_stability(before, before) == 0
