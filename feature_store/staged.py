"""Check that the staged tables are what the views promise, and compute their content hash."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureView
from feast.types import from_feast_to_pyarrow_type

from core.duckdb_engine import read_parquet
from features.declarations import TABLES
from features.errors import StagedFeaturesError

_MAY_BE_EMPTY = {table.name for table in TABLES if table.of_campaigns}
_TIMES = ("event_timestamp", "created_timestamp")
_BUILD = b"reach_build"
"""In a file's footer: the id of the dbt run that wrote it (dbt/macros/engine/staged_parquet.sql)."""


def staged_tables(folder: Path) -> list[Path]:
    """Return the feature tables in the staging folder; none if dbt has never written one."""
    return sorted(folder.glob("feat_*.parquet")) if folder.is_dir() else []


def check_staged(
    folder: Path, views: list[FeatureView], as_of_instant: datetime, allow_other_day: bool = False
) -> dict[str, int] | None:
    """Check every table of the views; returns the rows of each table.

    allow_other_day: return None for tables that were built for an earlier or later day, instead of raising.

    Raises StagedFeaturesError naming the table, the column and what was expected: a table is missing, empty or
    unreadable, a column is missing or of another type, tables come from two dbt runs, or they do not end at
    `as_of_instant` (UTC).
    """
    paths = {view: folder / f"{_table(view)}.parquet" for view in views}
    for view, path in paths.items():
        _check_columns(path, view)
    found = {path: _read_times(path, view.name in _MAY_BE_EMPTY) for view, path in paths.items()}
    newest = max(times.event for times in found.values())
    if newest != as_of_instant and allow_other_day:
        return None
    for path, times in found.items():
        _check_future(path, times, as_of_instant)
    if newest != as_of_instant:
        raise StagedFeaturesError(
            f"The staged tables in {folder} end at {newest} UTC, not at {as_of_instant} UTC: they were built "
            "for another day. Build them again with the same --as-of."
        )
    _check_one_build(list(paths.values()))
    return {_table(view): found[path].rows for view, path in paths.items()}


def _table(view: FeatureView) -> str:
    assert view.batch_source is not None  # every view here reads a table
    return view.batch_source.name


def _check_one_build(paths: list[Path]) -> None:
    """Tables of two dbt runs may disagree: one of them was built by hand, or the last run broke off."""
    builds: dict[bytes | None, list[str]] = {}
    for path in paths:
        builds.setdefault((pq.read_metadata(path).metadata or {}).get(_BUILD), []).append(path.stem)
    if len(builds) > 1:
        parts = " / ".join(", ".join(tables) for tables in builds.values())
        raise StagedFeaturesError(
            f"The staged tables were not written by one dbt run ({parts}), so they may not fit together. Build all "
            "of them in one run: 'make features', or 'make dbt ARGS=build'."
        )


def content_hash(folder: Path, tables: list[str]) -> str:
    """Return a hash (64 hex digits) of the tables' names, types and rows, whatever the order of the rows.

    It is not a hash of the files' bytes, because DuckDB's threads decide how rows fall into row groups. DuckDB's row
    hash may change with its version; the same tables then get a second name.
    """
    digest = hashlib.sha256()
    with duckdb.connect() as connection:
        for table in sorted(tables):
            relation = read_parquet(folder / f"{table}.parquet")
            columns = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
            summary = connection.execute(
                f"SELECT count(*), sum(hash(r)), bit_xor(hash(r)) FROM {relation} AS r"
            ).fetchone()
            digest.update(repr((table, [column[:2] for column in columns], summary)).encode())
    return digest.hexdigest()


def _check_columns(path: Path, view: FeatureView) -> None:
    try:
        schema = pq.read_schema(path)
    except FileNotFoundError:
        raise StagedFeaturesError(f"{path} is missing: the view '{view.name}' reads it. Run dbt build first.") from None
    except pa.ArrowInvalid as error:
        raise StagedFeaturesError(f"{path} is not a readable Parquet file ({error}). Run dbt build again.") from error
    expected = {field.name: from_feast_to_pyarrow_type(field.dtype) for field in view.schema}
    expected |= dict.fromkeys(_TIMES, pa.timestamp("us"))
    for name, wanted in expected.items():
        if name not in schema.names:
            raise StagedFeaturesError(
                f"{path} has no column '{name}', which the view '{view.name}' promises as {wanted}. "
                "Add it to dbt's model or take it out of features/declarations.py."
            )
        found = schema.field(name).type
        if found != wanted:
            raise StagedFeaturesError(
                f"{path}: column '{name}' is {found}, but the view '{view.name}' promises {wanted}."
            )


@dataclass(frozen=True)
class _Times:
    """A table's rows, and its newest instants."""

    rows: int
    event: datetime
    created: datetime


def _read_times(path: Path, may_be_empty: bool) -> _Times:
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*), max(event_timestamp), max(created_timestamp),"
            " count(*) - count(event_timestamp), count(*) - count(created_timestamp)"
            f" FROM {read_parquet(path)}"
        ).fetchone()
    assert found is not None  # an aggregate always has a row
    count, event, created, no_event, no_created = found
    if count == 0 and may_be_empty:
        return _Times(0, datetime.min, datetime.min)
    if count == 0:
        raise StagedFeaturesError(f"{path} has no rows. Look at dbt's model and at the admitted tables.")
    for name, missing in (("event", no_event), ("created", no_created)):
        if missing:
            raise StagedFeaturesError(f"{path}: {missing} rows have no {name}_timestamp.")
    return _Times(count, event, created)


def _check_future(path: Path, times: _Times, as_of_instant: datetime) -> None:
    for name, latest in (("event", times.event), ("created", times.created)):
        if latest > as_of_instant:
            raise StagedFeaturesError(
                f"{path}: {name}_timestamp reaches {latest} UTC, after the run's {as_of_instant} UTC: "
                "a run must not use its future."
            )
