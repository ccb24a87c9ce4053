"""Select the customers who match a filter, from the published scores."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from marketing.segments.compiled_filter import compile_filter
from marketing.segments.vocabulary import CUSTOMERS, Vocabulary, open_scores, read_vocabulary


@dataclass(frozen=True)
class Selection:
    """The customers who match.

    Attributes:
        customer_ids: sorted.
        total: customers with published scores.
    """

    customer_ids: pa.Array
    total: int

    @property
    def share(self) -> float:
        """Return the share of all customers, 0 if there are none."""
        return len(self.customer_ids) / self.total if self.total else 0.0

    def sentence(self) -> str:
        """Return how many match, and one of them, as a sentence."""
        count = len(self.customer_ids)
        if count == 0:
            return f"The filter matches none of {self.total:,} customers."
        if count == self.total:
            return f"The filter matches all {count:,} customers, so it selects no part of them."
        return f"{count:,} of {self.total:,} customers match ({self.share:.1%}), such as {self.customer_ids[0]}."


def select(folder: Path, text: str, vocabulary: Vocabulary | None = None) -> Selection:
    """Return the customers who match a filter.

    Args:
        folder: of the published scores.
        text: the filter.
        vocabulary: of the folder; None to read it.

    Raises:
        FilterError: the filter cannot be used.
        ScoresError: nothing is published.
    """
    with open_scores(folder) as connection:
        compiled = compile_filter(text, vocabulary or read_vocabulary(connection))
        found = connection.sql(compiled.sql, params=list(compiled.parameters)).to_arrow_table()
        (total,) = connection.execute(f"SELECT count(*) FROM {CUSTOMERS}").fetchone() or (0,)
    return Selection(found["customer_id"].combine_chunks(), int(total))
