"""Read the cost and earnings of coupons: from the landing, a file, or one assumption for all coupons."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from core.duckdb_engine import quote_literal, read_parquet
from marketing.offers.errors import OffersError


@dataclass(frozen=True)
class Worth:
    """Where money comes from, besides the landing's own `coupon_values`.

    Attributes:
        file: a CSV or Parquet file with coupon_id, face_value, margin and, if wanted, campaign_id; it comes first.
        face_value: what a coupon without any value costs when it is redeemed; None: unknown.
        margin: what is earned on what is bought with it, before the face value.
    """

    file: Path | None = None
    face_value: float | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        """Check the assumption.

        Raises:
            OffersError: one of face value and margin is missing, or the face value is not above 0.
        """
        if (self.face_value is None) != (self.margin is None):
            raise OffersError("A face value without a margin decides nothing. Give both --face-value and --margin.")
        if self.face_value is not None and not self.face_value > 0:
            raise OffersError(f"The face value {self.face_value:g} is not above 0, so a budget cannot bound it.")


def coupon_worth(folder: Path, worth: Worth) -> pa.Table:
    """Return campaign_id, coupon_id, face_value and margin of every coupon on offer; empty values where unknown.

    Args:
        folder: the published scores.
        worth: where money comes from besides them.

    Raises:
        OffersError: the file cannot be read, lacks a column, or holds a coupon twice or without a positive face value.
    """
    with duckdb.connect() as connection:
        of_file = _file_values(connection, worth.file) if worth.file else _NO_VALUES
        face, margin = ("NULL" if value is None else repr(float(value)) for value in (worth.face_value, worth.margin))
        found: pa.Table = connection.sql(
            f"""
            WITH of_file AS ({of_file})
            SELECT offered.campaign_id, offered.coupon_id,
                   CAST(coalesce(own.face_value, general.face_value, offered.face_value, {face}) AS DOUBLE)
                       AS face_value,
                   CAST(coalesce(own.margin, general.margin, offered.margin, {margin}) AS DOUBLE) AS margin
            FROM {read_parquet(folder / "offer_coupons.parquet")} AS offered
            LEFT JOIN of_file AS own
                ON own.coupon_id = offered.coupon_id AND own.campaign_id = offered.campaign_id
            LEFT JOIN of_file AS general ON general.coupon_id = offered.coupon_id AND general.campaign_id IS NULL
            ORDER BY ALL"""
        ).to_arrow_table()
    return found


_NO_VALUES = (
    "SELECT NULL::VARCHAR AS coupon_id, NULL::VARCHAR AS campaign_id, NULL::DOUBLE AS face_value,"
    " NULL::DOUBLE AS margin WHERE false"
)


def _file_values(connection: duckdb.DuckDBPyConnection, file: Path) -> str:
    """Return a query for the values of a file."""
    is_parquet = file.suffix == ".parquet"
    source = read_parquet(file) if is_parquet else f"read_csv({quote_literal(file)}, all_varchar = true)"
    try:
        columns = {str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    except duckdb.Error as error:
        raise OffersError(f"{file} cannot be read as {'Parquet' if is_parquet else 'CSV'}: {error}") from error
    if missing := sorted({"coupon_id", "face_value", "margin"} - columns):
        raise OffersError(f"{file} lacks the columns {', '.join(missing)}; it has {', '.join(sorted(columns))}.")
    campaign = "nullif(trim(CAST(campaign_id AS VARCHAR)), '')" if "campaign_id" in columns else "NULL::VARCHAR"
    query = (
        f"SELECT trim(CAST(coupon_id AS VARCHAR)) AS coupon_id, {campaign} AS campaign_id,"
        f" try_cast(face_value AS DOUBLE) AS face_value, try_cast(margin AS DOUBLE) AS margin FROM {source}"
    )
    wrong = connection.execute(
        f"SELECT coupon_id, count(*), max(face_value) FROM ({query}) GROUP BY coupon_id, campaign_id"
        " HAVING count(*) > 1 OR min(face_value) IS NULL OR NOT min(face_value) > 0 OR min(margin) IS NULL"
        " OR NOT isfinite(min(face_value)) OR NOT isfinite(min(margin)) ORDER BY 1 LIMIT 1"
    ).fetchall()
    if wrong:
        [(coupon, count, _)] = wrong
        why = "stands there more than once" if count > 1 else "has no margin, or a face value that is not above 0"
        raise OffersError(f"{file}: the coupon '{coupon}' {why}. Correct the file.")
    return query
