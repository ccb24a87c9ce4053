"""Are the staged tables what the views promise, and what are they worth (their content hash)?"""

import hashlib
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureView
from feast.types import from_feast_to_pyarrow_type

from feature_repo.errors import StagedFeaturesError

_TIMES = ("event_timestamp", "created_timestamp")


def staged_tables(folder: Path) -> list[Path]:
    """The Parquet files in the staging folder; none if dbt has written nothing since the last publication."""
    return sorted(folder.glob("*.parquet")) if folder.is_dir() else []


def check_staged(folder: Path, views: list[FeatureView], as_of_instant: datetime) -> dict[str, int]:
    """Check every table of the views; returns the rows of each table.

    Raises StagedFeaturesError naming the table, the column and what was expected: a table is missing, empty or
    unreadable, a column is missing or of another type, or a row lies after `as_of_instant` (UTC).
    """
    rows: dict[str, int] = {}
    newest: list[datetime] = []
    for view in views:
        assert view.batch_source is not None  # every view here reads a table
        table = view.batch_source.name
        path = folder / f"{table}.parquet"
        _check_columns(path, view)
        rows[table], latest = _check_times(path, as_of_instant)
        newest.append(latest)
    if max(newest) != as_of_instant:
        raise StagedFeaturesError(
            f"The staged tables in {folder} end at {max(newest)} UTC, not at {as_of_instant} UTC: they were built "
            "for another day. Build them again with the same --as-of."
        )
    return rows


def content_hash(folder: Path, tables: list[str]) -> str:
    """A hash (64 hex digits) of what the tables say: names, types and rows, the order of rows not counted.

    Not of the files' bytes: DuckDB's threads decide how rows fall into row groups, so the same rows seldom make
    the same bytes. DuckDB's row hash may change with its version; the same tables then get a second name, no more.
    """
    digest = hashlib.sha256()
    with duckdb.connect() as connection:
        for table in sorted(tables):
            relation = f"read_parquet('{_quoted(folder / f'{table}.parquet')}')"
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
                "Add it to dbt's model or take it out of features/declared.py."
            )
        found = schema.field(name).type
        if found != wanted:
            raise StagedFeaturesError(
                f"{path}: column '{name}' is {found}, but the view '{view.name}' promises {wanted}."
            )


def _check_times(path: Path, as_of_instant: datetime) -> tuple[int, datetime]:
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*), max(event_timestamp), max(created_timestamp),"
            " count(*) - count(event_timestamp), count(*) - count(created_timestamp)"
            f" FROM read_parquet('{_quoted(path)}')"
        ).fetchone()
    assert found is not None  # an aggregate always has a row
    count, event, created, no_event, no_created = found
    if count == 0:
        raise StagedFeaturesError(f"{path} has no rows. Look at dbt's model and at the admitted tables.")
    for name, latest, missing in (("event", event, no_event), ("created", created, no_created)):
        if missing:
            raise StagedFeaturesError(f"{path}: {missing} rows have no {name}_timestamp.")
        if latest > as_of_instant:
            raise StagedFeaturesError(
                f"{path}: {name}_timestamp reaches {latest} UTC, after the run's {as_of_instant} UTC: "
                "a run must not know its future."
            )
    return count, event


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
