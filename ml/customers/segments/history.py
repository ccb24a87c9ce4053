"""Walk through the snapshots, assign customers to segments, and write who is in which: now, and at every snapshot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.customers.segments.customers import Customers, align, read_customers
from ml.customers.segments.scheme import UNASSIGNED, Scheme

SEGMENTS, HISTORY = "segments.parquet", "segment_history.parquet"

TIMESTAMP = pa.timestamp("us")
SEGMENTS_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("axis", pa.string()),
        ("segment", pa.string()),
        ("label", pa.string()),
        ("since", TIMESTAMP),
        ("certified_until", pa.date32()),
    ]
)
HISTORY_SCHEMA = pa.schema(
    [("snapshot", TIMESTAMP), ("customer_id", pa.string()), ("axis", pa.string()), ("segment", pa.string())]
)


@dataclass(frozen=True)
class Assignments:
    """The segments of all customers at one snapshot.

    Attributes:
        customers: the customers of the snapshot.
        segments: int `[n]` by the scheme's name, `UNASSIGNED` for a customer without one.
        since: by the scheme's name, the first snapshot in the segment without interruption, datetime64 `[n]`.
    """

    customers: Customers
    segments: Mapping[str, np.ndarray] = field(default_factory=dict)
    since: Mapping[str, np.ndarray] = field(default_factory=dict)


def walk(
    connection: duckdb.DuckDBPyConnection,
    instants: Sequence[datetime],
    schemes: Mapping[str, Scheme],
    categories: list[str],
) -> Iterator[Assignments]:
    """Yield the assignments at each snapshot; only one snapshot is in memory.

    Args:
        connection: has a view of each feature table.
        instants: the snapshots in any order.
        schemes: by name.
        categories: the columns of `category_spend` that the schemes read.
    """
    previous: Assignments | None = None
    for instant in sorted(instants):
        customers = read_customers(connection, instant, categories)
        moment = np.datetime64(instant, "us")
        segments, since = {}, {}
        for name, scheme in schemes.items():
            before = None
            if previous is not None:
                before = align(previous.customers.ids, previous.segments[name], customers.ids, UNASSIGNED)
            found = scheme.at(customers).assign(customers, before)
            segments[name], since[name] = found, np.full(len(found), moment)
            if previous is not None and before is not None:
                began = align(previous.customers.ids, previous.since[name], customers.ids, moment)
                since[name] = np.where((before == found) & (found != UNASSIGNED), began, moment)
        previous = Assignments(customers, segments, since)
        yield previous


def write_tables(
    folder: Path, walked: Iterable[Assignments], schemes: Mapping[str, Scheme], certified_until: Mapping[str, object]
) -> dict[str, int]:
    """Write both tables, sorted by snapshot, customer and axis.

    Args:
        folder: where the files go.
        walked: assignments at each snapshot, oldest first; the last ones are those of now.
        schemes: by axis.
        certified_until: the day by axis from which the certificate no longer holds.

    Returns:
        How many customers have a segment now, by axis.
    """
    with pq.ParquetWriter(folder / HISTORY, HISTORY_SCHEMA) as writer:
        for assignments in walked:
            rows = _rows(assignments, schemes)
            moment = np.datetime64(assignments.customers.snapshot, "us")
            rows = rows.append_column("snapshot", pa.array(np.full(len(rows), moment), TIMESTAMP))
            writer.write_table(rows.select(HISTORY_SCHEMA.names))
    labels = {(axis, s.id): s.label for axis, scheme in schemes.items() for s in scheme.segments}
    keys = list(zip(rows["axis"].to_pylist(), rows["segment"].to_pylist(), strict=True))
    rows = rows.append_column("label", pa.array([labels[key] for key in keys], pa.string()))
    until = pa.array([certified_until[axis] for axis, _ in keys], pa.date32())
    rows = rows.append_column("certified_until", until)
    pq.write_table(rows.select(SEGMENTS_SCHEMA.names).cast(SEGMENTS_SCHEMA), folder / SEGMENTS)
    return {axis: sum(axis == found for found, _ in keys) for axis in schemes}


def _rows(assignments: Assignments, schemes: Mapping[str, Scheme]) -> pa.Table:
    """Return one row per customer and axis, sorted, without the unassigned."""
    parts = []
    for axis, scheme in schemes.items():
        known = np.flatnonzero(assignments.segments[axis] != UNASSIGNED)
        ids = np.array([segment.id for segment in scheme.segments], dtype=object)
        parts.append(
            pa.table(
                {
                    "customer_id": pa.array(assignments.customers.ids[known].astype(object), pa.string()),
                    "axis": pa.array([axis] * len(known), pa.string()),
                    "segment": pa.array(ids[assignments.segments[axis][known]], pa.string()),
                    "since": pa.array(assignments.since[axis][known], TIMESTAMP),
                }
            )
        )
    return pa.concat_tables(parts).sort_by([("customer_id", "ascending"), ("axis", "ascending")])
