"""Which customers `make demo` shows."""

from pathlib import Path

import duckdb

from local.service import ACTIVITY_QUANTILES, sample_customers
from settings import Settings

LINES = "(NULL, 'b1'), (NULL, 'b2'), (NULL, 'b3'), ('c1', 'b4'), ('c1', 'b5'), ('c2', 'b6')"


def test_guests_are_no_customer_though_they_buy_most(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    settings.paths.admitted.mkdir()
    file = settings.paths.admitted / "transactions.parquet"
    with duckdb.connect() as connection:
        lines = f"SELECT * FROM (VALUES {LINES}) AS lines (customer_id, basket_id)"
        connection.execute(f"COPY ({lines}) TO '{file}' (FORMAT parquet)")
    shown = sample_customers(settings)
    assert set(shown) == set(ACTIVITY_QUANTILES)
    assert set(shown.values()) <= {"c1", "c2"}
