"""The fields that customers gave: the text columns of `feat_customer_profile` at the newest snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.duckdb_engine import quote_identifier, quote_literal
from ml.customers.inputs import Inputs
from ml.customers.tags.declarations import MIN_BASKETS
from ml.customers.tags.kinds import Statement


@dataclass(frozen=True)
class Profiles:
    """Customers with their fields, sorted by id.

    Attributes:
        ids: `[n]`.
        fields: text `[n]` by column; '' is unknown.
        baskets: ever, `[n]`.
        since_first: days since the first basket, `[n]`.
        since_last: days since the last one, `[n]`.
    """

    ids: list[str]
    fields: dict[str, list[str]]
    baskets: np.ndarray
    since_first: np.ndarray
    since_last: np.ndarray

    def answers(self, statement: Statement) -> list[bool | None]:
        """Return for each customer whether a statement is true, None where the field leaves it open."""
        return [statement.is_true(value) for value in self.fields[statement.column]]

    @property
    def is_scored(self) -> np.ndarray:
        """Return which customers have enough baskets for a learned tag, bool `[n]`."""
        return self.baskets >= MIN_BASKETS


def read_profiles(inputs: Inputs, columns: Sequence[str]) -> Profiles:
    """Read these fields of every customer."""
    names = list(dict.fromkeys(columns))
    with inputs.connect() as connection:
        found = connection.sql(
            "SELECT customer_id, baskets, days_since_first_basket, days_since_last_basket"
            + "".join(f", {quote_identifier(name)}" for name in names)
            + f" FROM feat_customer_profile WHERE event_timestamp = TIMESTAMP {quote_literal(inputs.now)}"
            " ORDER BY customer_id"
        ).to_arrow_table()
    return Profiles(
        found["customer_id"].to_pylist(),
        {name: found[name].to_pylist() for name in names},
        found["baskets"].to_numpy(),
        found["days_since_first_basket"].to_numpy(),
        found["days_since_last_basket"].to_numpy(),
    )


def learned_on(profiles: Profiles, known: np.ndarray) -> str:
    """Describe the customers that a statement was learned on, and whether they buy more or less than others.

    Args:
        profiles: all customers.
        known: which of them gave the field, bool `[n]`.
    """
    count = int(known.sum())
    if known.all():
        return f"{count} customers who gave the field"
    theirs, others = np.median(profiles.baskets[known]), np.median(profiles.baskets[~known])
    buyers = "heavier" if theirs > 1.25 * others else "lighter" if theirs < 0.8 * others else ""
    if not buyers:
        return f"{count} customers who gave the field"
    return f"{count} {buyers} buyers who gave the field (median {theirs:.0f} baskets; the others {others:.0f})"
