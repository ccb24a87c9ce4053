"""Publications with many times the customers of a real one: every customer's rows are repeated under further ids."""

from pathlib import Path

import duckdb

from core.duckdb_engine import quote_literal, read_parquet


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
            suffix = "CASE copy WHEN 0 THEN '' ELSE '-' || copy END"
            connection.execute(
                f"COPY (SELECT * REPLACE (customer_id || {suffix} AS customer_id) "
                f"FROM (SELECT rows.*, copy FROM {read_parquet(file)} AS rows, range({times}) AS copies(copy))) "
                f"TO {quote_literal(target / file.name)} (FORMAT parquet, COMPRESSION zstd)"
            )
