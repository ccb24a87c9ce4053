"""Watch the answers of the service day by day: fallbacks, the mix of candidate sources, and how alike lists are."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
from scipy.spatial.distance import jensenshannon

from core.duckdb_engine import quote_literal, read_parquet
from monitoring.figures import COVERAGE, FALLBACKS, SOURCES, Figure
from monitoring.sales import Period

MIN_ANSWERS = 200
"""A day with fewer answers is not watched, and does not count as a day before."""

MIN_DAYS, MAX_DAYS = 7, 28
"""Limits of the number of earlier watched days that a day is compared with; the larger one is in calendar days."""


def decision_figures(
    connection: duckdb.DuckDBPyConnection, landed: Path, timezone: str, period: Period
) -> list[Figure]:
    """Return the figures of each day with enough answers to customers.

    Args:
        connection: a connection to read with.
        landed: the file of collected decisions, one row per shown item, perhaps with repetitions.
        timezone: the shop's time zone.
        period: the days to watch; MAX_DAYS before the first one are read, too.
    """
    if not landed.exists():
        return []
    moment = f"(decided_at AT TIME ZONE 'UTC' AT TIME ZONE {quote_literal(timezone)})"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE shown AS
        SELECT DISTINCT request_id, slate, position, product_id, source, fallback, CAST({moment} AS DATE) AS day
        FROM {read_parquet(landed)}
        WHERE customer_id IS NOT NULL AND CAST({moment} AS DATE)
            BETWEEN DATE '{period.first - timedelta(days=2 * MAX_DAYS)}' AND DATE '{period.last}'
        """
    )
    days = connection.execute(
        f"""
        WITH answers AS (SELECT day, request_id, slate, any_value(fallback) AS fallback FROM shown GROUP BY ALL)
        SELECT day, count(*), avg(CAST(fallback IS NOT NULL AS INTEGER)), mode(fallback)
        FROM answers GROUP BY day HAVING count(*) >= {MIN_ANSWERS} ORDER BY day
        """
    ).fetchall()
    found = [
        Figure(FALLBACKS.name, day, float(share), reason, answers)
        for day, answers, share, reason in days
        if day >= period.first
    ]
    watched = [row[0] for row in days]
    by_source = _counts(connection, "source")
    by_product = _counts(connection, "product_id")
    for index, day in enumerate(watched):
        before = [other for other in watched[:index] if (day - other).days <= MAX_DAYS]
        if day >= period.first and len(before) >= MIN_DAYS:
            found += [_mix(by_source, day, before), _coverage(by_product, day, before)]
    return found


def _counts(connection: duckdb.DuckDBPyConnection, column: str) -> dict[date, dict[str, int]]:
    """Return the shown items of each day by a column's value, without answers that are not the model's."""
    found: dict[date, dict[str, int]] = {}
    rows = connection.execute(
        f"SELECT day, coalesce({column}, 'none'), count(*) FROM shown WHERE fallback IS NULL GROUP BY ALL"
    ).fetchall()
    for day, value, count in rows:
        found.setdefault(day, {})[value] = count
    return found


def _mix(counts: dict[date, dict[str, int]], day: date, before: Sequence[date]) -> Figure:
    now = counts.get(day, {})
    former: dict[str, int] = {}
    for other in before:
        for source, count in counts.get(other, {}).items():
            former[source] = former.get(source, 0) + count
    names = sorted(now.keys() | former.keys())
    if not now or not former:
        return Figure(SOURCES.name, day, 0.0, None, 0)
    p, q = (np.array([mix.get(name, 0) for name in names], float) for mix in (now, former))
    moved = names[int(np.argmax(np.abs(p / p.sum() - q / q.sum())))]
    return Figure(SOURCES.name, day, float(jensenshannon(p, q, base=2)), moved, int(p.sum()))


def _coverage(counts: dict[date, dict[str, int]], day: date, before: Sequence[date]) -> Figure:
    """Compare the different products of the day with those that as many items held on the days before.

    The expected number of different products among as many items is that of draws with replacement from the items
    before (rarefaction; Hurlbert, 1971, The nonconcept of species diversity), so days of unequal size compare.
    """
    now = counts.get(day, {})
    former: dict[str, int] = {}
    for other in before:
        for product, count in counts.get(other, {}).items():
            former[product] = former.get(product, 0) + count
    items = sum(now.values())
    if not items or not former:
        return Figure(COVERAGE.name, day, 0.0, None, 0)
    shares = np.array(list(former.values()), float) / sum(former.values())
    expected = float(np.sum(1 - (1 - shares) ** items))
    return Figure(COVERAGE.name, day, max(0.0, 1 - len(now) / expected), None, items)
