"""Compare the customers of two filters: how many, how many of both, and what is predicted of each on average."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.duckdb_engine import quote_identifier
from marketing.segments.compiled_filter import compile_filter
from marketing.segments.vocabulary import CUSTOMERS, PREDICTIONS, open_scores, read_vocabulary, views


@dataclass(frozen=True)
class MeanPrediction:
    """The mean of one prediction; None if no customer has it.

    Attributes:
        name: of the prediction.
        first: the mean over the customers of the first filter.
        second: over those of the second.
        everybody: over all customers.
    """

    name: str
    first: float | None
    second: float | None
    everybody: float | None

    @property
    def difference(self) -> float | None:
        """Return the second mean less the first."""
        return None if self.first is None or self.second is None else self.second - self.first


@dataclass(frozen=True)
class Comparison:
    """Two sets of customers.

    Attributes:
        first: customers of the first filter.
        second: customers of the second.
        both: customers of both.
        total: customers with published scores.
        means: the predictions.
    """

    first: int
    second: int
    both: int
    total: int
    means: Sequence[MeanPrediction]

    @property
    def overlap(self) -> float:
        """Return the share of the customers of either filter who are in both; 0 if there are none."""
        either = self.first + self.second - self.both
        return self.both / either if either else 0.0


def compare(folder: Path, first: str, second: str) -> Comparison:
    """Compare two filters.

    Args:
        folder: of the published scores.
        first: a filter.
        second: another one.

    Raises:
        FilterError: one of the filters cannot be used.
        ScoresError: nothing is published.
    """
    with open_scores(folder) as connection:
        vocabulary = read_vocabulary(connection)
        compiled = [compile_filter(text, vocabulary) for text in (first, second)]
        numbers = sorted(vocabulary.numbers)
        means = "".join(
            f", avg({name}) FILTER (in_first), avg({name}) FILTER (in_second), avg({name})"
            for name in map(quote_identifier, numbers)
        )
        predictions = f"LEFT JOIN {PREDICTIONS} USING (customer_id)" if PREDICTIONS in views(connection) else ""
        row = connection.execute(
            f"""
            WITH everybody AS (
                SELECT customer_id, customer_id IN ({compiled[0].sql}) AS in_first,
                       customer_id IN ({compiled[1].sql}) AS in_second
                FROM {CUSTOMERS}
            )
            SELECT count(*) FILTER (in_first), count(*) FILTER (in_second), count(*) FILTER (in_first AND in_second),
                   count(*){means}
            FROM everybody {predictions}
            """,
            [*compiled[0].parameters, *compiled[1].parameters],
        ).fetchone()
    assert row is not None  # an aggregate always has a row
    found = [MeanPrediction(name, *row[4 + 3 * i : 7 + 3 * i]) for i, name in enumerate(numbers)]
    return Comparison(row[0], row[1], row[2], row[3], found)
