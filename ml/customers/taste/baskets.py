"""Read how often customers bought from each category, as sparse matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import duckdb
import numpy as np
from scipy.sparse import csr_matrix, vstack

from ml.customers.inputs import Inputs
from ml.customers.segments.customers import CATEGORIES, PROFILE, matrices_of, positions

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
    connection: duckdb.DuckDBPyConnection, snapshot: datetime, categories: list[str], columns: Sequence[str]
) -> tuple[np.ndarray, list[csr_matrix]]:
    """Return the customers of a snapshot, sorted, and list columns as matrices `[customers, categories]`.

    Args:
        connection: has a view of each feature table.
        snapshot: one of the tables' points in time.
        categories: the matrix's columns.
        columns: such as `baskets_26w`.
    """
    found = connection.sql(
        f"""
        SELECT customer_id, categories, {", ".join(f"{CATEGORIES}.{column}" for column in columns)}
        FROM {PROFILE} LEFT JOIN {CATEGORIES} USING (customer_id, event_timestamp)
        WHERE event_timestamp = ? ORDER BY customer_id
        """,
        params=[snapshot],
    ).to_arrow_table()
    return np.asarray(found["customer_id"].to_pylist(), dtype=str), matrices_of(found, categories, columns)


class ExampleReader:
    """Read examples; a snapshot is read once for both sides: the purchases before it, and those after an earlier one.

    Args:
        connection: has a view of each feature table.
        inputs: the snapshots.
        categories: the columns of the matrices.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, inputs: Inputs, categories: list[str]):
        self.inputs = inputs
        # Four weeks later lie one, two or four snapshots later.
        self._counts = lru_cache(maxsize=8)(
            lambda snapshot: read_counts(connection, snapshot, categories, ("baskets_26w", "baskets_4w"))
        )

    def read(self, snapshot: datetime) -> Examples:
        """Return the customers of a snapshot who bought before and after it.

        Raises:
            NotEnoughDataError: the tables have no snapshot four weeks later.
        """
        weeks_ago = round((self.inputs.now - snapshot) / timedelta(weeks=1)) - NEXT_WEEKS
        later_ids, (_, later) = self._counts(self.inputs.snapshot(weeks_ago))
        ids, (before, _) = self._counts(snapshot)
        rows, known = positions(later_ids, ids)
        active = known & (before.getnnz(axis=1) > 0)
        examples = Examples(before[active], later[rows[active]])
        bought = examples.after.getnnz(axis=1) > 0
        return Examples(examples.before[bought], examples.after[bought])

    def training(self, until: datetime) -> Examples:
        """Return a sample of the examples at every snapshot until one."""
        instants = [instant for instant in self.inputs.instants if instant <= until]
        rng = np.random.default_rng(self.inputs.seed)
        parts = []
        for instant in instants:
            found = self.read(instant)
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
