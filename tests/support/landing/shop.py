"""A shop small enough to check by hand: four lines, two customers, three products, in New York."""

from datetime import date, datetime
from pathlib import Path

import duckdb

from landing.admission import accept, admit
from landing.manifest import Manifest
from landing.reading.casting import PlausibleDays
from settings import Settings
from tests.support.logs import logged

ANY_DAY = PlausibleDays(date(1990, 1, 1), datetime(2100, 1, 1))

# The shop's Monday, 2 January 2017, begins at 05:00 UTC: the third line still belongs to Sunday.
TRANSACTIONS = """customer_id,basket_id,product_id,quantity,sales_value,transaction_at
007,b1,0010,1,2.50,2017-01-01 15:00:00
007,b1,0020,2,3.00,2017-01-01 15:00:00
8,b2,0010,1,2.50,2017-01-02 04:59:59
8,b3,0030,1,9.99,2017-01-02 05:00:00
"""
PRODUCTS = """product_id,category
0010,MILK
0020,BREAD
0030,WINE
"""


def write_shop(folder: Path, **tables: str) -> Path:
    """Write the shop as CSV; a table given by name (as CSV text) replaces or joins the shop's own."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, text in {"transactions": TRANSACTIONS, "products": PRODUCTS, **tables}.items():
        (folder / f"{table}.csv").write_text(text)
    return folder


def write_parquet(folder: Path, table: str, query: str) -> None:
    """Write a table as Parquet instead of CSV."""
    (folder / f"{table}.csv").unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{folder / table}.parquet' (FORMAT parquet)")


def admit_shop(
    tmp_path: Path, landing: Path, as_of: str | None = None, **settings: object
) -> tuple[Manifest, bool, list[str]]:
    """Admit to tmp_path/data and accept it; also return the messages of the admission."""
    chosen = Settings(data=tmp_path / "data", landing=landing, **settings)
    day = date.fromisoformat(as_of) if as_of else None
    with logged("landing") as messages:
        manifest, reused = admit(chosen, landing, day)
    accept(chosen, manifest.as_of)
    return manifest, reused, messages


def admitted(tmp_path: Path, table: str, columns: str = "*") -> list[tuple]:
    """The admitted rows of a table, in order."""
    path = tmp_path / "data" / "admitted" / f"{table}.parquet"
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT {columns} FROM '{path}' ORDER BY ALL").fetchall()
