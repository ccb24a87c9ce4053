"""Days of equal chance raise no alarm; a day of fallbacks, a vanished source and lists that are alike do."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.duckdb_engine import connect
from monitoring.decisions import MIN_ANSWERS, decision_figures
from monitoring.policy import evaluated, load_policy
from monitoring.sales import Period

pytestmark = pytest.mark.unit

FIRST = date(2026, 1, 1)
ITEMS = 5
SOURCES = ("own_history", "two_tower", "popular")

Change = Callable[[np.random.Generator, dict[str, np.ndarray]], None]


def alarms(tmp_path: Path, days: int, answers: int, change: Change | None = None) -> list[tuple[date, str, str | None]]:
    """Write answers of equal chance for each day, change the last day's, and return all alarms."""
    rng = np.random.default_rng(7)
    tables = []
    for day in range(days):
        n = answers * ITEMS
        request = np.repeat(np.arange(answers), ITEMS)
        columns = {
            "request_id": np.array([f"{day}-{one}" for one in request], object),
            "position": np.tile(np.arange(1.0, ITEMS + 1), answers),
            "product_id": np.array([f"p{one}" for one in rng.integers(0, 800, n)], object),
            "source": rng.choice(np.array(SOURCES, object), n, p=[0.5, 0.3, 0.2]),
            "fallback": np.array([None, "unknown_customer"], object)[
                np.repeat(rng.integers(0, 100, answers) == 0, ITEMS) * 1
            ],
        }
        if change and day == days - 1:
            change(rng, columns)
        instant = datetime.combine(FIRST + timedelta(days=day), datetime.min.time()) + timedelta(hours=12)
        tables.append(
            pa.table(
                {
                    **{name: pa.array(values.tolist()) for name, values in columns.items()},
                    "customer_id": pa.array(["c"] * n),
                    "slate": pa.array(["all"] * n),
                    "decided_at": pa.array([instant] * n, pa.timestamp("us")),
                },
                schema=None,
            )
        )
    file = tmp_path / "decisions.parquet"
    pq.write_table(pa.concat_tables(tables, promote_options="permissive"), file)
    with connect(tmp_path / "spill", "200MB") as connection:
        figures = decision_figures(connection, file, "UTC", Period(FIRST, FIRST + timedelta(days=days - 1)))
    return [
        (one.figure.day, one.figure.watch, one.figure.subject)
        for one in evaluated(figures, load_policy())
        if one.is_alarm
    ]


def test_two_hundred_days_of_equal_chance_raise_no_alarm(tmp_path: Path) -> None:
    assert alarms(tmp_path, 200, MIN_ANSWERS) == []


def test_a_day_of_fallbacks_is_named_with_its_reason(tmp_path: Path) -> None:
    def timeouts(_: np.random.Generator, columns: dict[str, np.ndarray]) -> None:
        columns["fallback"][: len(columns["fallback"]) // 5] = "features_unavailable"

    assert alarms(tmp_path, 15, 300, timeouts) == [(FIRST + timedelta(days=14), "fallbacks", "features_unavailable")]


def test_a_source_that_vanishes_is_named(tmp_path: Path) -> None:
    def without_two_tower(rng: np.random.Generator, columns: dict[str, np.ndarray]) -> None:
        vanished = columns["source"] == "two_tower"
        columns["source"][vanished] = rng.choice(np.array(["own_history", "popular"], object), vanished.sum())

    assert alarms(tmp_path, 15, 300, without_two_tower) == [(FIRST + timedelta(days=14), "sources", "two_tower")]


def test_lists_that_become_alike_are_named(tmp_path: Path) -> None:
    def alike(rng: np.random.Generator, columns: dict[str, np.ndarray]) -> None:
        n = len(columns["product_id"])
        columns["product_id"][:] = [f"p{one}" for one in rng.integers(0, 300, n)]

    assert alarms(tmp_path, 15, 300, alike) == [(FIRST + timedelta(days=14), "coverage", None)]


def test_a_day_with_few_answers_is_not_watched(tmp_path: Path) -> None:
    def all_fallbacks(_: np.random.Generator, columns: dict[str, np.ndarray]) -> None:
        columns["fallback"][:] = "features_unavailable"

    assert alarms(tmp_path, 15, MIN_ANSWERS - 1, all_fallbacks) == []
