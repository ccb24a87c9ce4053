"""Read a file of coupon values, which a marketer gives instead of the landing's own."""

from pathlib import Path

import duckdb
import pyarrow as pa

from core.duckdb_engine import quote_literal, read_parquet
from marketing.offers.errors import OffersError


def read_values_file(file: Path) -> pa.Table:
    """Return campaign_id (empty: every campaign), coupon_id, face_value and margin of a CSV or Parquet file.

    Raises:
        OffersError: the file cannot be read, lacks a column, or holds a coupon twice or without a positive face value.
    """
    if not file.is_file():
        raise OffersError(f"{file} does not exist, or is a folder. Name a CSV or Parquet file with coupon values.")
    is_parquet = file.suffix == ".parquet"
    source = read_parquet(file) if is_parquet else f"read_csv({quote_literal(file)}, all_varchar = true)"
    with duckdb.connect() as connection:
        try:
            columns = {str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        except duckdb.Error as error:
            why = str(error).partition("\n")[0]
            raise OffersError(f"{file} cannot be read as {'Parquet' if is_parquet else 'CSV'}: {why}") from error
        if missing := sorted({"coupon_id", "face_value", "margin"} - columns):
            raise OffersError(f"{file} lacks the columns {', '.join(missing)}; it has {', '.join(sorted(columns))}.")
        campaign = "nullif(trim(CAST(campaign_id AS VARCHAR)), '')" if "campaign_id" in columns else "NULL::VARCHAR"
        values = connection.sql(
            f"SELECT {campaign} AS campaign_id, trim(CAST(coupon_id AS VARCHAR)) AS coupon_id,"
            f" try_cast(face_value AS DOUBLE) AS face_value, try_cast(margin AS DOUBLE) AS margin FROM {source}"
        )
        wrong = connection.sql(
            "SELECT coupon_id, count(*) FROM values GROUP BY coupon_id, campaign_id"
            " HAVING count(*) > 1 OR min(face_value) IS NULL OR NOT min(face_value) > 0 OR min(margin) IS NULL"
            " OR NOT isfinite(min(face_value)) OR NOT isfinite(min(margin)) ORDER BY 1 LIMIT 1"
        ).fetchall()
        if wrong:
            [(coupon, count)] = wrong
            why = "stands there more than once" if count > 1 else "has no margin, or a face value that is not above 0"
            raise OffersError(f"{file}: the coupon '{coupon}' {why}. Correct the file.")
        return values.to_arrow_table()
