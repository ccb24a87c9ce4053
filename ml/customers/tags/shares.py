"""The inputs of statements: how a customer's purchases divide over categories and product types."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.duckdb_engine import quote_literal
from ml.customers.inputs import Inputs

LEAST_SUPPORT = 30
"""Sampled customers with a category or product type, below which it is left out."""

CATEGORY, PRODUCT_TYPE = "category", "product_type"


@dataclass(frozen=True)
class Shares:
    """Square roots of shares, standardised over a sample of customers.

    Attributes:
        kinds: `CATEGORY` or `PRODUCT_TYPE` of each column, `[columns]`.
        names: which one, `[columns]`.
        mean: of each column before standardisation, `[columns]`.
        scale: standard deviation of each column, `[columns]`.
        values: float `[customers, columns]`.
    """

    kinds: np.ndarray
    names: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    values: np.ndarray

    def of(self, kind: str) -> np.ndarray:
        """Return the columns of one kind."""
        return self.values[:, self.kinds == kind]


def read_shares(inputs: Inputs, ids: Sequence[str]) -> Shares:
    """Read the shares of these customers, without the categories and types that few customers bought."""
    with inputs.connect() as connection:
        connection.register("wanted", pa.table({"customer_id": pa.array(ids, pa.string())}))
        found = connection.execute(
            f"SELECT * FROM ({shares_query(inputs, 'SEMI JOIN wanted USING (customer_id)')})"
            f" QUALIFY count(*) OVER (PARTITION BY kind, name) >= {LEAST_SUPPORT} ORDER BY kind, name, customer_id"
        ).fetchnumpy()
    labels = np.char.add(
        np.char.add(np.asarray(found["kind"]).astype(str), "\t"), np.asarray(found["name"]).astype(str)
    )
    columns, column = np.unique(labels, return_inverse=True)
    row_of = {customer: row for row, customer in enumerate(ids)}
    values = np.zeros((len(ids), len(columns)))
    values[[row_of[customer] for customer in found["customer_id"]], column] = found["share"]
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    parts = np.array([label.split("\t", 1) for label in columns]).reshape(len(columns), 2)
    return Shares(parts[:, 0], parts[:, 1], mean, scale, (values - mean) / scale)


def shares_query(inputs: Inputs, restriction: str = "") -> str:
    """Return the query of kind, name and square root of the share, for each customer of the newest snapshot.

    A category's share is one of the money, a product type's one of the purchases. Sums are of whole cents and whole
    baskets, so they are the same in any order.
    """
    return f"""
        WITH purchased AS (
            SELECT customer_id, unnest(product_ids) AS product_id, unnest(baskets) AS baskets, unnest(spend) AS spend
            FROM feat_customer_history {restriction}
            WHERE event_timestamp = TIMESTAMP {quote_literal(inputs.now)}
        ),
        known AS (SELECT * FROM purchased JOIN feat_product_content USING (product_id)),
        amounts AS (
            SELECT customer_id, '{CATEGORY}' AS kind, category AS name,
                   sum(CAST(round(spend * 100) AS BIGINT))::DOUBLE AS amount
            FROM known WHERE category <> '' GROUP BY ALL
            UNION ALL
            SELECT customer_id, '{PRODUCT_TYPE}' AS kind, product_type AS name,
                   sum(CAST(baskets AS BIGINT))::DOUBLE AS amount
            FROM known WHERE product_type <> '' GROUP BY ALL
        )
        SELECT customer_id, kind, name,
               sqrt(amount / sum(amount) OVER (PARTITION BY customer_id, kind)) AS share
        FROM amounts WHERE amount > 0"""
