"""Publications with many times the customers of a real one: every customer's rows are repeated under further ids."""

from pathlib import Path

import duckdb

from core.duckdb_engine import quote_identifier, quote_literal, read_parquet
from marketing.audience.index import BUYER_COLUMNS

KEYS = ("customer_id", "event_timestamp", "created_timestamp")
READ = {"feat_customer_history.parquet": {*KEYS, "product_ids", "spend", *BUYER_COLUMNS}}
"""The columns that parts read of the largest table; the others would take most of the time and of the disk."""


def replicate(features: Path, target: Path, times: int, memory: str) -> None:
    """Write the tables of a publication with every customer `times` times.

    Args:
        features: the publication's folder.
        target: an empty folder.
        times: how often each customer occurs; the first keeps its id, the others get a suffix.
        memory: DuckDB's memory limit.
    """
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": str(target / ".spill")}) as connection:
        for file in sorted(features.glob("*.parquet")):
            names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {read_parquet(file)}").fetchall()]
            if "customer_id" not in names:
                (target / file.name).symlink_to(file)
                continue
            kept = ", ".join(quote_identifier(name) for name in names if name in READ.get(file.name, names))
            suffix = "CASE copy WHEN 0 THEN '' ELSE '-' || copy END"
            connection.execute(
                f"COPY (SELECT * EXCLUDE (copy) REPLACE (customer_id || {suffix} AS customer_id) "
                f"FROM (SELECT {kept}, copy FROM {read_parquet(file)}, range({times}) AS copies(copy))) "
                f"TO {quote_literal(target / file.name)} (FORMAT parquet, COMPRESSION snappy)"
            )
