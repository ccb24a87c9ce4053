"""Write the index of purchases that audiences read, from the feature tables of one instant."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix, diags

from core.duckdb_engine import quote_literal
from core.files.atomic import staging_path
from marketing.audience.index import BUYER_COLUMNS, BUYERS, CUSTOMER_COLUMNS, CUSTOMERS, ITEMS
from ml.customers.inputs import Inputs

BATCH_ROWS = 1 << 18
TASTE_WIDTH = 32
_COUNTS = ", ".join(BUYER_COLUMNS)
_UNNESTED = ", ".join(f"unnest({name}) AS {name}" for name in BUYER_COLUMNS)
_NO_CATEGORIES = (
    "SELECT NULL::INTEGER AS customer, NULL::VARCHAR AS item_id, NULL::VARCHAR AS department, "
    + ", ".join(f"NULL::FLOAT AS {name}" for name in BUYER_COLUMNS)
    + " WHERE false"
)


def write_index(inputs: Inputs, folder: Path) -> None:
    """Write the three files of `marketing.audience.index` as of `inputs.now` into a folder.

    Rows are sorted and written by DuckDB batch by batch, so memory does not grow with the number of purchases.
    """
    at = f"event_timestamp = TIMESTAMP {quote_literal(inputs.now)}"
    categories = _NO_CATEGORIES
    if inputs.has("feat_customer_categories"):
        categories = f"""
            SELECT customer, item_id, department, {_COUNTS} FROM (
                SELECT customer_id, unnest(categories) AS item_id, unnest(departments) AS department, {_UNNESTED}
                FROM feat_customer_categories WHERE {at}
            ) JOIN numbers USING (customer_id)"""
    with inputs.connect() as connection:
        connection.execute(
            f"""
            CREATE TABLE customers AS
            SELECT (row_number() OVER (ORDER BY customer_id) - 1)::INTEGER AS customer, customer_id,
                   {", ".join(CUSTOMER_COLUMNS)}
            FROM feat_customer_profile WHERE {at}"""
        )
        connection.execute("CREATE VIEW numbers AS SELECT customer_id, customer FROM customers")
        connection.execute(f"CREATE TABLE of_categories AS {categories}")
        connection.execute(
            f"""
            CREATE TABLE bought AS
            SELECT 'product' AS kind, item_id, customer, {_COUNTS} FROM (
                SELECT customer_id, unnest(product_ids) AS item_id, {_UNNESTED}
                FROM feat_customer_history WHERE {at}
            ) JOIN numbers USING (customer_id)
            UNION ALL SELECT 'category', item_id, customer, {_COUNTS} FROM of_categories
            UNION ALL
            SELECT 'department', department, customer, sum(baskets_4w)::FLOAT, sum(baskets_13w)::FLOAT,
                   sum(baskets)::FLOAT, min(days_since_last)
            FROM of_categories WHERE department <> '' GROUP BY ALL"""
        )
        connection.execute(
            f"""
            CREATE TABLE items AS
            WITH counted AS (SELECT kind, item_id, count(*) AS rows FROM bought GROUP BY ALL),
            placed AS (
                SELECT *, (row_number() OVER by_item - 1)::INTEGER AS number,
                       (sum(rows) OVER by_item)::BIGINT - rows AS first_row
                FROM counted WINDOW by_item AS (ORDER BY kind, item_id)
            ),
            upwards AS (
                SELECT 'product' AS kind, product_id AS item_id, 'category' AS parent_kind, category AS parent_id,
                       product_name AS name
                FROM feat_product_content
                UNION ALL
                SELECT 'category', item_id, 'department', min(department), item_id FROM of_categories GROUP BY item_id
            ),
            mailed AS (
                SELECT 'product' AS kind, product_id AS item_id, mailer_stores_next
                FROM feat_product_activity WHERE {at}
            )
            SELECT placed.*, coalesce(parents.number, -1) AS parent, coalesce(name, placed.item_id) AS name,
                   coalesce(mailer_stores_next, 0)::DOUBLE AS mailer_stores_next
            FROM placed LEFT JOIN upwards USING (kind, item_id) LEFT JOIN mailed USING (kind, item_id)
            LEFT JOIN placed AS parents ON parents.kind = parent_kind AND parents.item_id = parent_id
            ORDER BY placed.number"""
        )
        columns = ", ".join(("customer_id", *CUSTOMER_COLUMNS))
        customers = connection.sql(f"SELECT {columns} FROM customers ORDER BY customer").to_arrow_table()
        taste = _taste(connection, len(customers))
        values = pa.FixedSizeListArray.from_arrays(pa.array(taste.ravel()), taste.shape[1])
        _write(customers.append_column("taste", values), folder / CUSTOMERS)
        columns = "kind, item_id, name, parent, first_row, rows, mailer_stores_next"
        _write(connection.sql(f"SELECT {columns} FROM items ORDER BY number").to_arrow_table(), folder / ITEMS)
        rows = connection.sql(
            f"SELECT customer, {_COUNTS} FROM bought JOIN items USING (kind, item_id) ORDER BY number, customer"
        ).to_arrow_reader(BATCH_ROWS)
        staged = staging_path(folder / BUYERS)
        with pa.OSFile(str(staged), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
            for batch in rows:
                writer.write_batch(batch)
        staged.replace(folder / BUYERS)


def _write(table: pa.Table, path: Path) -> None:
    staged = staging_path(path)
    pq.write_table(table, staged)
    staged.replace(path)


def _taste(connection: duckdb.DuckDBPyConnection, customers: int) -> np.ndarray:
    """Return unit vectors made of the categories that customers bought, float32 `[customers, width]`.

    These are the principal components of the baskets per category, on a logarithmic scale; zeros without categories.
    """
    found = connection.execute(
        """
        SELECT customer, (dense_rank() OVER (ORDER BY item_id) - 1)::INTEGER AS category,
               ln(1 + baskets_13w) + ln(1 + baskets) / 2 AS weight
        FROM of_categories"""
    ).fetchnumpy()
    categories = int(np.max(found["category"])) + 1 if len(found["category"]) else 0
    width = min(TASTE_WIDTH, categories)
    if not width:
        return np.zeros((customers, 1), np.float32)
    weights = csr_matrix((found["weight"], (found["customer"], found["category"])), (customers, categories))
    lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1))).ravel()
    weights = diags(1 / np.where(lengths > 0, lengths, 1)) @ weights
    mean = np.asarray(weights.mean(axis=0)).ravel()
    _, components = np.linalg.eigh((weights.T @ weights).toarray() / customers - np.outer(mean, mean))
    components = components[:, ::-1][:, :width]
    taste = np.asarray(weights @ components) - mean @ components
    lengths = np.linalg.norm(taste, axis=1, keepdims=True)
    return np.asarray(taste / np.where(lengths > 0, lengths, 1), np.float32)
