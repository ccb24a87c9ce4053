"""Small landings made from the demo's real rows, for tests and for trying things out.

`python -m tests.support.landing.samples OUT --kind small|other` writes one to the folder OUT. Nothing in them is
random.

small   about 200 customers over the last 40 weeks, all tables that the demo has, as Parquet
other   another retailer's shape: two CSV files, ids such as 'C-0017' and 'SKU_9', in Berlin two years later
"""

import argparse
from pathlib import Path

import duckdb

from landing.complete_journey import demo_queries

OTHER_TIMEZONE = "Europe/Berlin"

_SINCE = "TIMESTAMP '2017-03-27 04:00:00'"  # a Monday's midnight in New York, 40 weeks before 2018
_TOP_STORES = "SELECT store_id FROM sample GROUP BY store_id ORDER BY count(*) DESC, store_id LIMIT 10"
_SMALL_CUSTOMERS = 200
_OTHER_CUSTOMERS = 150


def write_small(folder: Path) -> Path:
    """Write the small landing: Parquet, all tables that the demo has, only products somebody of the sample bought and
    every twentieth other one; promotions only in the ten stores it visited most. Returns the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    demo = demo_queries()
    with duckdb.connect() as connection:
        _sample_transactions(connection, demo, skip=0, customers=_SMALL_CUSTOMERS)
        tables = {
            "transactions": "SELECT * FROM sample ORDER BY transaction_at, basket_id, product_id",
            "products": f"""
                SELECT * FROM ({demo["products"]}) WHERE product_id IN (SELECT product_id FROM sample)
                   OR substr(md5(product_id), 1, 2) < '0d' ORDER BY product_id""",
            "customers": f"""
                SELECT * FROM ({demo["customers"]}) SEMI JOIN sample USING (customer_id) ORDER BY customer_id""",
            "promotions": f"""
                SELECT * FROM ({demo["promotions"]}) SEMI JOIN sample USING (product_id)
                WHERE starts_on >= CAST({_SINCE} AS DATE) AND store_id IN ({_TOP_STORES})
                ORDER BY starts_on, product_id, store_id""",
            "campaigns": f"""
                SELECT * FROM ({demo["campaigns"]}) SEMI JOIN sample USING (customer_id) ORDER BY ALL""",
            "coupons": f"""
                WITH redeemed AS (SELECT * FROM ({demo["redemptions"]}) SEMI JOIN sample USING (customer_id))
                SELECT * FROM ({demo["coupons"]}) WHERE product_id IN (SELECT product_id FROM sample)
                   OR coupon_id IN (SELECT coupon_id FROM redeemed) ORDER BY ALL""",
            "redemptions": f"""
                SELECT * FROM ({demo["redemptions"]}) SEMI JOIN sample USING (customer_id) ORDER BY ALL""",
        }
        for table in ("consents", "contacts"):
            tables[table] = f"SELECT * FROM ({demo[table]}) SEMI JOIN sample USING (customer_id) ORDER BY ALL"
        for table, query in tables.items():
            connection.execute(f"COPY ({query}) TO '{folder / table}.parquet' (FORMAT parquet)")
    return folder


def write_other(folder: Path) -> Path:
    """Write the other retailer's landing: transactions.csv and products.csv with few columns, other customers
    than the small one's, renamed ids; a shop in `OTHER_TIMEZONE` whose customers come at the same local
    hour, 104 weeks later. Returns the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    demo = demo_queries()
    with duckdb.connect() as connection:
        _sample_transactions(connection, demo, skip=_SMALL_CUSTOMERS, customers=_OTHER_CUSTOMERS)
        connection.execute(f"""
            CREATE TABLE renamed AS SELECT
                printf('C-%04d', dense_rank() OVER (ORDER BY md5(customer_id))) AS customer_id,
                printf('R%06d', dense_rank() OVER (ORDER BY basket_id)) AS basket_id,
                'SKU_' || dense_rank() OVER (ORDER BY md5(product_id)) AS product_id,
                quantity, sales_value,
                (transaction_at + INTERVAL 728 DAYS) AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York'
                    AT TIME ZONE '{OTHER_TIMEZONE}' AT TIME ZONE 'UTC' AS transaction_at,
                product_id AS demo_product_id
            FROM sample""")
        tables = {
            "transactions": """
                SELECT * EXCLUDE (demo_product_id) FROM renamed
                ORDER BY transaction_at, basket_id, product_id""",
            "products": f"""
                SELECT renamed.product_id, trim(concat_ws(' ', product_type, package_size)) AS product_name,
                       category, brand
                FROM (SELECT DISTINCT product_id, demo_product_id FROM renamed) AS renamed
                JOIN ({demo["products"]}) AS catalogue ON catalogue.product_id = demo_product_id
                ORDER BY renamed.product_id""",
        }
        for table, query in tables.items():
            connection.execute(f"COPY ({query}) TO '{folder / table}.csv' (FORMAT csv, HEADER)")
    return folder


def _sample_transactions(
    connection: duckdb.DuckDBPyConnection, demo: dict[str, str], skip: int, customers: int
) -> None:
    """Make the table `sample`: recent lines of that number of customers, in the order of a hash of their id."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"""
        CREATE TABLE sample AS
        WITH recent AS (SELECT * FROM ({demo["transactions"]}) WHERE transaction_at >= {_SINCE}),
        chosen AS (
            SELECT customer_id FROM recent GROUP BY customer_id ORDER BY md5(customer_id)
            LIMIT {customers} OFFSET {skip}
        )
        SELECT * FROM recent SEMI JOIN chosen USING (customer_id)""")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.landing.samples", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("--kind", choices=["small", "other"], default="small")
    options = parser.parse_args()
    folder = {"small": write_small, "other": write_other}[options.kind](options.out)
    print(f"wrote {', '.join(sorted(path.name for path in folder.iterdir()))} to {folder}")


if __name__ == "__main__":
    main()
