"""Watch the published features: those that no longer change, and those whose distribution has moved."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np

from core.duckdb_engine import quote_identifier, quote_literal, read_parquet
from monitoring.figures import FEATURE_DRIFT, STUCK_FEATURE, Figure

ENTITIES = ("customer_id", "product_id", "campaign_id")
SAMPLE = 20_000
"""At most about this many customers or products of a table are compared, chosen by a hash of the id."""

MOST = 3
"""Features in the result for each snapshot."""

MIN_COMPARED = 100
"""Fewer customers or products than this are not compared."""

MIN_CHANGED = 0.02
"""A feature that changed for a smaller share than this, at any earlier snapshot, is not watched for being stuck."""

MIN_PAIRS = 6
"""Pairs of snapshots that must lie before the watched one."""

LEAST_SHIFT = 0.1
"""The index from which a shift usually counts; a feature that never moved is compared with it."""

SCALARS = ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "VARCHAR")
TENTHS = np.linspace(0.1, 0.9, 9)


def feature_figures(connection: duckdb.DuckDBPyConnection, features: Path) -> list[Figure]:
    """Return the two figures of each snapshot that has enough before it, over all tables with a history.

    Args:
        connection: a connection to read with.
        features: the folder of a publication.

    Returns:
        For each snapshot, the MOST features that are stuck or drifted most, as `<table>.<feature>`.
    """
    found: dict[tuple[str, datetime], list[tuple[float, str, int]]] = {}
    for file in sorted(features.glob("feat_*.parquet")):
        for snapshot, watch, value, column, compared in _of_table(connection, file):
            name = f"{file.stem.removeprefix('feat_')}.{column}"
            found.setdefault((watch, snapshot), []).append((value, name, compared))
    return [
        Figure(watch, snapshot.date(), value, name if value > 0 else None, compared)
        for (watch, snapshot), values in sorted(found.items())
        for value, name, compared in sorted(values, reverse=True)[:MOST]
    ]


def _of_table(connection: duckdb.DuckDBPyConnection, file: Path) -> Iterator[tuple[datetime, str, float, str, int]]:
    """Yield snapshot, watch, value, column and rows compared."""
    table = read_parquet(file)
    columns = {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()}
    entity = next((name for name in ENTITIES if name in columns), None)
    watched = [name for name, kind in columns.items() if kind in SCALARS and name != entity]
    if entity is None or not watched:
        return
    snapshots = [
        row[0] for row in connection.execute(f"SELECT DISTINCT event_timestamp FROM {table} ORDER BY 1").fetchall()
    ]
    if len(snapshots) < MIN_PAIRS + 2 or not _is_regular(snapshots):
        return
    [(entities,)] = connection.execute(f"SELECT count(DISTINCT {entity}) FROM {table}").fetchall()
    every = max(1, entities // SAMPLE)
    names = ", ".join(map(quote_identifier, [entity, "event_timestamp", *watched]))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE chosen AS SELECT {names} FROM {table} WHERE hash({entity}) % {every} = 0"
    )
    changed, compared = _changed_shares(connection, entity, watched, snapshots)
    for index, column in enumerate(watched):
        for pair in range(MIN_PAIRS, len(snapshots) - 1):
            least = changed[:pair, index].min()
            if compared[pair] >= MIN_COMPARED and least >= MIN_CHANGED:
                stuck = max(0.0, 1 - changed[pair, index] / least)
                yield snapshots[pair + 1], STUCK_FEATURE.name, stuck, column, compared[pair]
    for column in (name for name in watched if columns[name] != "VARCHAR"):
        values = [
            connection.execute(
                f"SELECT {quote_identifier(column)} AS value FROM chosen WHERE event_timestamp = ?", [snapshot]
            ).fetchnumpy()["value"]
            for snapshot in snapshots
        ]
        present = [np.ma.compressed(np.ma.masked_invalid(value)) for value in values]
        if min(map(len, present)) < MIN_COMPARED:
            continue
        shifts = [population_stability(before, now) for before, now in pairwise(present)]
        for pair in range(MIN_PAIRS, len(shifts)):
            drift = shifts[pair] / max(LEAST_SHIFT, *shifts[:pair])
            yield snapshots[pair + 1], FEATURE_DRIFT.name, drift, column, len(present[pair + 1])


def _is_regular(snapshots: list[datetime]) -> bool:
    """Return whether the snapshots lie equally far apart, but for summer time; those of campaigns do not."""
    gaps = [now - before for before, now in pairwise(snapshots)]
    return max(gaps) - min(gaps) <= timedelta(hours=2)


def _changed_shares(
    connection: duckdb.DuckDBPyConnection, entity: str, columns: list[str], snapshots: list[datetime]
) -> tuple[np.ndarray, list[int]]:
    """Return the share of entities whose value changed between two snapshots, `[pairs, columns]`, and their number."""
    shares = ", ".join(
        f"avg(CAST(former.{name} IS DISTINCT FROM latter.{name} AS INTEGER))" for name in map(quote_identifier, columns)
    )
    rows = [
        connection.execute(
            f"""
            SELECT count(*), {shares}
            FROM chosen AS former JOIN chosen AS latter ON former.{entity} = latter.{entity}
            WHERE former.event_timestamp = {quote_literal(before)} AND latter.event_timestamp = {quote_literal(now)}
            """
        ).fetchone()
        for before, now in pairwise(snapshots)
    ]
    found = [row for row in rows if row is not None]
    return np.nan_to_num(np.array([row[1:] for row in found], float)), [int(row[0]) for row in found]


def population_stability(before: np.ndarray, now: np.ndarray) -> float:
    """Return the population stability index of two samples, over tenths of the first.

    The index is the sum of (p − q) ln(p/q) over the bins (Lewis, 1994, An introduction to credit scoring). Values that
    are equal fall into one bin, so a feature with few values has few bins. Half a row is added to each bin.
    """
    edges = np.unique(np.quantile(before, TENTHS))
    bins = len(edges) + 1
    p = (np.bincount(np.searchsorted(edges, now, side="right"), minlength=bins) + 0.5) / (len(now) + 0.5 * bins)
    q = (np.bincount(np.searchsorted(edges, before, side="right"), minlength=bins) + 0.5) / (len(before) + 0.5 * bins)
    return float(np.sum((p - q) * np.log(p / q)))
