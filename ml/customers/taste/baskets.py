"""Read how often customers bought from each category, as sparse matrices."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix, vstack

from ml.customers.inputs import Inputs
from ml.customers.segments.customers import CATEGORIES, PROFILE, positions

NEXT_WEEKS = 4
MAX_EXAMPLES = 40_000
"""Examples at most, over all training snapshots; more of them hardly change an encoder."""


@dataclass(frozen=True)
class Examples:
    """Customers at snapshots, with their purchases of the next four weeks.

    Attributes:
        before: baskets by category in the 26 weeks before, `[n, categories]`.
        after: baskets by category in the four weeks after, `[n, categories]`.
    """

    before: csr_matrix
    after: csr_matrix


def read_counts(
    connection: duckdb.DuckDBPyConnection, snapshot: datetime, categories: list[str], column: str
) -> tuple[np.ndarray, csr_matrix]:
    """Return the customers of a snapshot, sorted, and one list column as a matrix `[customers, categories]`.

    Args:
        connection: has a view of each feature table.
        snapshot: one of the tables' points in time.
        categories: the matrix's columns.
        column: such as `baskets_26w`.
    """
    connection.register("wanted_categories", pa.table({"category": pa.array(categories, pa.string())}))
    ids = connection.execute(
        f"SELECT customer_id FROM {PROFILE} WHERE event_timestamp = ? ORDER BY customer_id", [snapshot]
    ).fetchnumpy()["customer_id"]
    cells = connection.execute(
        f"""
        WITH customers AS (
            SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS row
            FROM {PROFILE} WHERE event_timestamp = ?
        ),
        columns AS (SELECT category, row_number() OVER (ORDER BY category) - 1 AS col FROM wanted_categories),
        bought AS (
            SELECT customer_id, unnest(categories) AS category, unnest({column}) AS amount
            FROM {CATEGORIES} WHERE event_timestamp = ?
        )
        SELECT CAST(row AS INTEGER) AS row, CAST(col AS INTEGER) AS col, CAST(amount AS FLOAT) AS amount
        FROM bought JOIN customers USING (customer_id) JOIN columns USING (category)
        WHERE amount > 0 ORDER BY row, col
        """,
        [snapshot, snapshot],
    ).fetchnumpy()
    shape = (len(ids), len(categories))
    return np.asarray(ids, dtype=str), csr_matrix((np.asarray(cells["amount"]), (cells["row"], cells["col"])), shape)


def read_examples(
    connection: duckdb.DuckDBPyConnection, inputs: Inputs, snapshot: datetime, categories: list[str]
) -> Examples:
    """Return the customers of a snapshot who bought before and after it.

    Raises:
        NotEnoughDataError: the tables have no snapshot four weeks later.
    """
    ids, before = read_counts(connection, snapshot, categories, "baskets_26w")
    weeks_ago = round((inputs.now - snapshot) / timedelta(weeks=1)) - NEXT_WEEKS
    later_ids, later = read_counts(connection, inputs.snapshot(weeks_ago), categories, "baskets_4w")
    rows, known = positions(later_ids, ids)
    active = known & (before.getnnz(axis=1) > 0)
    examples = Examples(before[active], later[rows[active]])
    bought = examples.after.getnnz(axis=1) > 0
    return Examples(examples.before[bought], examples.after[bought])


def training_examples(
    connection: duckdb.DuckDBPyConnection, inputs: Inputs, until: datetime, categories: list[str]
) -> Examples:
    """Return a sample of the examples at every snapshot until one."""
    instants = [instant for instant in inputs.instants if instant <= until]
    rng = np.random.default_rng(inputs.seed)
    parts = []
    for instant in instants:
        found = read_examples(connection, inputs, instant, categories)
        count = min(found.before.shape[0], MAX_EXAMPLES // len(instants))
        drawn = np.sort(rng.choice(found.before.shape[0], count, replace=False))
        parts.append(Examples(found.before[drawn], found.after[drawn]))
    return Examples(
        csr_matrix(vstack([part.before for part in parts])), csr_matrix(vstack([part.after for part in parts]))
    )


def as_inputs(counts: csr_matrix) -> csr_matrix:
    """Return the logarithms of counts, each row of length 1: how an encoder reads a customer."""
    found = csr_matrix(counts, dtype=np.float32, copy=True)
    found.data = np.log1p(found.data)
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    found.data /= np.repeat(np.where(lengths > 0, lengths, 1), np.diff(found.indptr)).astype(np.float32)
    return found
