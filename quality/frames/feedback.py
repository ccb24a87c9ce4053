"""Summarise the landed feedback in counts: a few rows, regardless of the number of events."""

from pathlib import Path

import duckdb
import pandas as pd

from core.duckdb_engine import quote_literal, read_parquet
from core.event_types import event_types
from quality.frames.engine import frame, one_row

REQUIRED = {
    "events": ("event_id", "customer_id", "event_type", "occurred_at"),
    "decisions": ("request_id", "slate", "position", "product_id", "model_version", "decided_at"),
    "exposures": ("request_id", "customer_id", "slate", "experiment_id", "variant", "propensity", "decided_at"),
}
"""Columns of the landing contract in which no value may be missing."""

_PRODUCTLESS = [name for name, declared in event_types().types.items() if declared.product == "optional"]

NEEDS_PRODUCT = f"lower(trim(event_type)) NOT IN ({', '.join(map(quote_literal, ['', *_PRODUCTLESS]))})"
"""Condition of events that must be about a product."""

PERSONAL = "lower(trim(slate)) <> 'similar'"
"""Condition of answers about a customer, whose decisions name that customer."""


def types_of_events(connection: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return one row per type of event: `subject` as dbt will write it, `events`."""
    return frame(
        connection,
        f"""
        SELECT coalesce(lower(trim(event_type)), '') AS subject, lower(trim(event_type)) AS event_type,
               count(*) AS events
        FROM {read_parquet(folder / "events.parquet")} GROUP BY ALL ORDER BY events DESC, subject""",
    )


def required_of_feedback(connection: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return one row per required column: `subject` table.column, `missing` values."""
    rows = []
    for table, columns in REQUIRED.items():
        counts = ", ".join(f"count(*) - count({column})" for column in columns)
        found = one_row(connection, f"SELECT {counts} FROM {read_parquet(folder / f'{table}.parquet')}")
        rows += [(f"{table}.{column}", count) for column, count in zip(columns, found, strict=True)]
    events, decisions = (read_parquet(folder / f"{table}.parquet") for table in ("events", "decisions"))
    query = f"SELECT count(*) FROM {events} WHERE product_id IS NULL AND {NEEDS_PRODUCT}"
    rows.append(("events.product_id", one_row(connection, query)[0]))
    query = f"SELECT count(*) FROM {decisions} WHERE customer_id IS NULL AND {PERSONAL}"
    rows.append(("decisions.customer_id", one_row(connection, query)[0]))
    return pd.DataFrame(rows, columns=["subject", "missing"])


def feedback_facts(connection: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return one row about all feedback; shares lie between 0 and 1, and are 0 without feedback."""
    events, decisions = (read_parquet(folder / f"{table}.parquet") for table in ("events", "decisions"))
    return frame(
        connection,
        f"""
        WITH named AS (
            SELECT event_id, count(DISTINCT (customer_id, product_id, lower(trim(event_type)))) > 1 AS reused
            FROM {events} GROUP BY event_id
        ),
        answer AS (
            SELECT request_id, count(DISTINCT customer_id) AS customers FROM {decisions} GROUP BY request_id
        ),
        place AS (
            SELECT count(DISTINCT product_id) AS products FROM {decisions} GROUP BY request_id, slate, position
        )
        SELECT 'feedback' AS subject,
               (SELECT coalesce(avg(reused::INTEGER), 0) FROM named) AS reused_event_share,
               (SELECT count(*) FROM {events} WHERE quantity < 0 OR price < 0) AS negative_events,
               (SELECT count(*) FROM {events}
                    WHERE rating_min >= rating_max OR rating NOT BETWEEN rating_min AND rating_max) AS odd_ratings,
               {_refused(folder.parent / "quarantine")} AS refused_rows,
               (SELECT coalesce(avg((occurred_at > received_at + INTERVAL 5 MINUTES)::INTEGER), 0) FROM {events})
                   AS early_event_share,
               (SELECT coalesce(avg((request_id NOT IN (SELECT request_id FROM answer WHERE request_id IS NOT NULL))
                    ::INTEGER), 0) FROM {events} WHERE request_id IS NOT NULL) AS orphan_event_share,
               (SELECT count(*) FROM answer WHERE customers > 1) AS shared_answers,
               (SELECT count(*) FROM place WHERE products > 1) AS shared_places,
               (SELECT count(*) FROM {decisions} WHERE position < 1 OR position <> trunc(position)) AS odd_positions""",
    )


def _refused(quarantine: Path) -> int:
    """Return how many entries of the event log and rows of feedback were set aside."""
    refused = 0
    for file in sorted(quarantine.glob("*.jsonl")):
        with file.open() as lines:
            refused += sum(1 for _ in lines)
    for file in sorted(quarantine.glob("*.csv")):
        with duckdb.connect() as connection:
            query = f"SELECT count(*) FROM read_csv({quote_literal(file)}, all_varchar = true)"
            refused += int(one_row(connection, query)[0])
    return refused
