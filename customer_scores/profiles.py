"""The tables from which the online store is filled: one row per customer, lists for what a customer has several of."""

from pathlib import Path

import duckdb

from core.duckdb_engine import quote_identifier, quote_literal, read_parquet
from customer_scores.publication import PROFILES, PublishedPart
from customer_scores.tables import COLUMNS, PREDICTIONS, SEGMENTS, TAGS

VIEWS = {"customer_predictions": PREDICTIONS, "customer_tags": TAGS, "customer_segments": SEGMENTS}
"""By view of the online store: the published table that it is made of."""

PARTS = {"customer_predictions": "predictions", "customer_tags": "tags", "customer_segments": "segments"}
"""By view: the part of the model that owns the table."""

LISTS = {
    "customer_tags": {
        "tags": "tag",
        "values": "coalesce(value, '')",
        "confidences": "coalesce(confidence, 'NaN'::DOUBLE)",
        "evidence_rows": "coalesce(evidence_rows, 0)",
        "evidence_from": "coalesce(strftime(evidence_from, '%Y-%m-%d'), '')",
        "evidence_until": "coalesce(strftime(evidence_until, '%Y-%m-%d'), '')",
        "held_out_measures": "coalesce(held_out_measure, '')",
        "held_out_values": "coalesce(held_out_value, 'NaN'::DOUBLE)",
        "learned_on": "coalesce(learned_on, '')",
        "sensitive": "coalesce(sensitive, true)::BIGINT",
    },
    "customer_segments": {
        "axes": "axis",
        "segments": "segment",
        "labels": "coalesce(label, '')",
        "since": "coalesce(strftime(since, '%Y-%m-%d'), '')",
    },
}
"""By view with lists: the SQL expression of each list's items. A missing text is '', a missing number NaN."""

_ORDER = {"customer_tags": "tag", "customer_segments": "axis"}


def write_profiles(folder: Path, parts: dict[str, PublishedPart]) -> None:
    """Write the tables of the online store next to the published tables.

    Each has a row for every customer in any of the tables, so that a customer who lost the last tag is
    overwritten with an empty list.
    """
    (folder / PROFILES).mkdir()
    present = {view: table for view, table in VIEWS.items() if (folder / table).exists()}
    if not present:
        return
    everyone = " UNION ".join(f"SELECT customer_id FROM {read_parquet(folder / table)}" for table in present.values())
    with duckdb.connect() as connection:
        for view, table in present.items():
            instant = f"TIMESTAMP {quote_literal(parts[PARTS[view]].as_of_instant)}"
            rows = read_parquet(folder / table)
            query = _packed(view, rows, everyone) if view in LISTS else _plain(table, rows)
            target = quote_literal(folder / PROFILES / f"{view}.parquet")
            connection.execute(
                f"COPY (SELECT *, {instant} AS event_timestamp, {instant} AS created_timestamp FROM ({query}) "
                f"ORDER BY customer_id) TO {target} (FORMAT parquet, COMPRESSION zstd)"
            )


def _plain(table: str, rows: str) -> str:
    return f"SELECT {', '.join(map(quote_identifier, COLUMNS[table]))} FROM {rows}"


def _packed(view: str, rows: str, everyone: str) -> str:
    order = _ORDER[view]
    items = ", ".join(
        f"list({expression} ORDER BY {order}) AS {quote_identifier(name)}" for name, expression in LISTS[view].items()
    )
    empty = ", ".join(f"coalesce({quote_identifier(name)}, []) AS {quote_identifier(name)}" for name in LISTS[view])
    return (
        f"SELECT customer_id, {empty} FROM ({everyone}) LEFT JOIN "
        f"(SELECT customer_id, {items} FROM {rows} GROUP BY customer_id) USING (customer_id)"
    )
