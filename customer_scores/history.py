"""Keep each customer's segment at every snapshot; the history grows by each publication and loses nothing."""

from datetime import datetime
from pathlib import Path

import duckdb

from core.duckdb_engine import quote_literal, read_parquet
from customer_scores.tables import HISTORY, SEGMENTS


def write_history(folder: Path, snapshot: datetime, before: Path | None, staged: Path | None = None) -> int:
    """Write the history of segments into a folder that holds the segments of one snapshot.

    A snapshot that is published again replaces its own rows only. Published rows stay; the staged history fills the
    snapshots without any.

    Args:
        folder: Where the segments' table lies and the history goes.
        snapshot: The instant of the folder's segments.
        before: The folder of the last publication; None if there is none.
        staged: The folder of the staged scores, which may hold a history; None if there is none.

    Returns:
        The snapshots in the history.
    """
    now = f"TIMESTAMP {quote_literal(snapshot)}"
    rows = (
        f"SELECT {now} AS snapshot, customer_id, axis, segment, label FROM {read_parquet(folder / SEGMENTS)}"
        if (folder / SEGMENTS).exists()
        else ""
    )
    if before is not None and (before / HISTORY).exists():
        kept = f"SELECT * FROM {read_parquet(before / HISTORY)}"
        rows = f"{kept} WHERE snapshot <> {now} UNION ALL BY NAME {rows}" if rows else kept
    if rows and staged is not None and (staged / HISTORY).exists():
        rows = (
            f"WITH known AS ({rows}) FROM known UNION ALL BY NAME SELECT * FROM {read_parquet(staged / HISTORY)} "
            "WHERE snapshot NOT IN (SELECT snapshot FROM known)"
        )
    if not rows:
        return 0
    target = folder / HISTORY
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY ({rows} ORDER BY snapshot, customer_id, axis) TO {quote_literal(target)} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        found = connection.execute(f"SELECT count(DISTINCT snapshot) FROM {read_parquet(target)}").fetchone()
    assert found is not None  # an aggregate always has a row
    return int(found[0])


def history_hash(folder: Path) -> str:
    """Return a hash of the history's rows, which does not depend on how they were written; '' without a history."""
    if not (folder / HISTORY).exists():
        return ""
    with duckdb.connect() as connection:
        query = f"SELECT count(*), sum(hash(r)), bit_xor(hash(r)) FROM {read_parquet(folder / HISTORY)} AS r"
        return repr(connection.execute(query).fetchone())
