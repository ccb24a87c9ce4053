"""Items with every active customer's inputs at a snapshot, and their purchases in the four weeks after it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from core.duckdb_engine import quote_literal
from marketing.audience.index import AudienceIndex
from marketing.audience.inputs import AudienceInputs, active_customers, inputs_of
from ml.customers.audiences.index import write_index
from ml.customers.inputs import Inputs

HORIZON_WEEKS = 4


@dataclass(frozen=True)
class ItemExamples:
    """One item at one snapshot.

    Attributes:
        item_id: the category or product.
        inputs: of every active customer.
        bought: whether each bought it within the horizon, `[active]`.
    """

    item_id: str
    inputs: AudienceInputs
    bought: np.ndarray


@dataclass(frozen=True)
class Cut:
    """A snapshot whose outcomes are known.

    Attributes:
        index: who bought what before it.
        bought: by kind and item id, the numbers of the customers who bought it within the horizon.
        recent_buyers: by kind and item id, the active customers who bought it in the four weeks before the snapshot.
    """

    index: AudienceIndex
    bought: dict[str, dict[str, np.ndarray]]
    recent_buyers: dict[str, dict[str, int]]

    def items(self, kind: str, least: int, most: int, mailed: float = 0.0) -> list[str]:
        """Return the items with a number of recent buyers in a range, those with most first.

        Args:
            kind: category or product.
            least: fewest recent buyers.
            most: most recent buyers.
            mailed: only items in the planned mailers of at least this share of the stores.
        """
        mailer, numbers = self.index.columns["mailer_stores_next"], self.index.numbers[kind]
        found = [
            (-buyers, item_id)
            for item_id, buyers in self.recent_buyers[kind].items()
            if least <= buyers <= most and (not mailed or mailer[numbers[item_id]] >= mailed)
        ]
        return [item_id for _, item_id in sorted(found)]

    def examples(self, kind: str, item_ids: Sequence[str]) -> Iterator[ItemExamples]:
        """Yield items one by one, because all of them together are large."""
        outcome = np.zeros(len(self.index.customers), bool)
        for item_id in item_ids:
            inputs = inputs_of(self.index, [self.index.numbers[kind][item_id]])
            outcome[:] = False
            outcome[self.bought[kind].get(item_id, np.empty(0, np.int64))] = True
            yield ItemExamples(item_id, inputs, outcome[inputs.customers])


@contextmanager
def cut_at(inputs: Inputs, weeks: int) -> Iterator[Cut]:
    """Open the snapshot that lies `weeks` before `inputs.now`, with the outcomes of the `HORIZON_WEEKS` after it.

    Raises:
        NotEnoughDataError: the tables do not reach back that far.
    """
    before, after = inputs.before(weeks), inputs.snapshot(weeks - HORIZON_WEEKS)
    with TemporaryDirectory(prefix=".audiences.", dir=inputs.features.parent) as folder:
        write_index(before, Path(folder))
        index = AudienceIndex.open(Path(folder))
        yield Cut(index, _bought(inputs, index, str(after)), _recent_buyers(index))


def _bought(inputs: Inputs, index: AudienceIndex, until: str) -> dict[str, dict[str, np.ndarray]]:
    with inputs.connect() as connection:
        connection.register("ids", {"customer_id": index.customer_ids.to_numpy(zero_copy_only=False)})
        found = connection.execute(
            f"""
            WITH customers AS (SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS customer FROM ids),
            lines AS (
                SELECT customer, product_id FROM (
                    SELECT customer_id, unnest(product_ids) AS product_id FROM feat_customer_purchases
                    WHERE event_timestamp = TIMESTAMP {quote_literal(until)}
                ) JOIN customers USING (customer_id)
            )
            SELECT 'product' AS kind, product_id AS item_id, list(customer) FROM lines GROUP BY ALL
            UNION ALL
            SELECT 'category', category, list(DISTINCT customer)
            FROM lines JOIN feat_product_content USING (product_id) WHERE category <> '' GROUP BY ALL"""
        ).fetchall()
    bought: dict[str, dict[str, np.ndarray]] = {"category": {}, "product": {}}
    for kind, item_id, customers in found:
        bought[kind][item_id] = np.array(customers, np.int64)
    return bought


def _recent_buyers(index: AudienceIndex) -> dict[str, dict[str, int]]:
    active = active_customers(index)
    recent = index.buyers.column("baskets_4w").to_numpy() > 0
    recent &= active[index.buyers.column("customer").to_numpy()]
    starts = index.columns["first_row"]
    counts = np.add.reduceat(recent, starts) if len(starts) else np.empty(0, np.int64)
    return {kind: {item_id: int(counts[row]) for item_id, row in rows.items()} for kind, rows in index.numbers.items()}
