"""Compare the reach of audiences by known groups of customers, such as age bands."""

import numpy as np

from core.duckdb_engine import quote_literal
from ml.customers.audiences.evaluate import TOP
from ml.customers.audiences.examples import ItemExamples
from ml.customers.inputs import Inputs

GROUPINGS = ("age_band", "income_band")
Row = dict[str, str | float | None]


def known_groups(inputs: Inputs) -> dict[str, np.ndarray]:
    """Return each customer's group at `inputs.now` by grouping, in the order of customer ids; '' is unknown."""
    with inputs.connect() as connection:
        found = connection.execute(
            f"SELECT {', '.join(GROUPINGS)} FROM feat_customer_profile"
            f" WHERE event_timestamp = TIMESTAMP {quote_literal(inputs.now)} ORDER BY customer_id"
        ).fetchall()
    return {name: np.array([row[position] for row in found], object) for position, name in enumerate(GROUPINGS)}


def reach_by_group(groups: dict[str, np.ndarray], example: ItemExamples, predicted: np.ndarray) -> list[Row]:
    """Return, for the best tenth of one item's customers, each group's reach, precision and share of all buyers."""
    reached = np.zeros(len(predicted), bool)
    reached[np.argsort(-predicted, kind="stable")[: max(1, round(TOP * len(predicted)))]] = True
    rows: list[Row] = []
    for grouping, values in groups.items():
        members = values[example.inputs.customers]
        for group in sorted(set(members) - {""}):
            among = members == group
            hit = among & reached
            rows.append(
                {
                    "item": example.item_id,
                    "grouping": grouping,
                    "group": group,
                    "customers": float(among.sum()),
                    "reached": float(reached[among].mean()),
                    "bought": float(example.bought[among].mean()),
                    "precision": float(example.bought[hit].mean()) if hit.any() else None,
                    "expected": float(predicted[among].mean()),
                }
            )
    return rows
