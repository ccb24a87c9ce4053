"""Read which names a filter may contain: the published predictions, tags and segments."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb

from core.duckdb_engine import quote_identifier, read_parquet
from marketing.errors import ScoresError

PREDICTIONS, TAGS, SEGMENTS = "predictions", "tags", "segments"
CUSTOMERS = "customers"
"""The view of all customers of any table."""

DUE = "categories_due"
FAMILY = ":"
"""Between the name of a family of tags and what each of them is about: `likes:SOFT DRINKS`."""


@dataclass(frozen=True)
class Tag:
    """The values of one tag.

    Attributes:
        values: all that occur.
        is_number: whether each of them is a number.
    """

    values: frozenset[str]
    is_number: bool


@dataclass(frozen=True)
class Vocabulary:
    """The names and values of one publication.

    Attributes:
        numbers: columns of the predictions that contain numbers.
        axes: the segments' ids by axis.
        tags: by name.
        due: categories that somebody is due to buy.
    """

    numbers: frozenset[str] = frozenset()
    axes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tags: Mapping[str, Tag] = field(default_factory=dict)
    due: frozenset[str] = frozenset()

    @cached_property
    def families(self) -> Mapping[str, frozenset[str]]:
        """Return what the tags of each family are about, such as the categories after `likes:`."""
        found: dict[str, set[str]] = {}
        for name in self.tags:
            family, mark, about = name.partition(FAMILY)
            if mark:
                found.setdefault(family, set()).add(about)
        return {family: frozenset(names) for family, names in found.items()}


@contextmanager
def open_scores(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open DuckDB with a view of each published table, and one of all customers.

    Args:
        folder: of the published scores.

    Raises:
        ScoresError: nothing is published there that a filter reads.
    """
    files = {name: folder / f"{name}.parquet" for name in (PREDICTIONS, TAGS, SEGMENTS)}
    present = {name: file for name, file in files.items() if file.exists()}
    if not present:
        raise ScoresError(
            f"{folder} contains no {', '.join(file.name for file in files.values())}. Run the DAG score_customers."
        )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, file in present.items():
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {read_parquet(file)}")
        # Tags have a row per customer and tag, so a publication of tags alone repeats its customers.
        rows = " UNION ALL ".join(f"SELECT customer_id FROM {name}" for name in present)
        connection.execute(f"CREATE VIEW {CUSTOMERS} AS SELECT DISTINCT customer_id FROM ({rows})")
        yield connection


def views(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the names of the opened tables, and of the view of all customers."""
    return {
        name for (name,) in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    }


def read_vocabulary(connection: duckdb.DuckDBPyConnection) -> Vocabulary:
    """Return the names and values of the opened scores."""
    known = views(connection)
    numbers, due = frozenset[str](), frozenset[str]()
    if PREDICTIONS in known:
        columns = dict(connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {PREDICTIONS})").fetchall())
        numbers = frozenset(name for name, kind in columns.items() if kind in ("DOUBLE", "FLOAT", "BIGINT", "INTEGER"))
        if DUE in columns:
            due = _texts(connection, f"SELECT DISTINCT unnest({quote_identifier(DUE)}) FROM {PREDICTIONS}")
    axes: dict[str, frozenset[str]] = {}
    if SEGMENTS in known:
        found = connection.execute(f"SELECT axis, list(DISTINCT segment) FROM {SEGMENTS} GROUP BY axis").fetchall()
        axes = {axis: frozenset(segments) for axis, segments in found}
    tags: dict[str, Tag] = {}
    if TAGS in known:
        found = connection.execute(
            f"""
            SELECT tag, coalesce(list(DISTINCT value) FILTER (WHERE value IS NOT NULL), []),
                   coalesce(bool_and(TRY_CAST(value AS DOUBLE) IS NOT NULL) FILTER (WHERE value IS NOT NULL), false)
            FROM {TAGS} GROUP BY tag
            """
        ).fetchall()
        tags = {tag: Tag(frozenset(values), is_number) for tag, values, is_number in found}
    return Vocabulary(numbers, axes, tags, due)


def _texts(connection: duckdb.DuckDBPyConnection, query: str) -> frozenset[str]:
    return frozenset(text for (text,) in connection.execute(query).fetchall() if text is not None)
