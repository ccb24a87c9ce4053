"""Define explanations, and describe a customer's purchases in words."""

from dataclasses import dataclass

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.interest import RELATIONS, Interest
from scoring.catalogue import Catalogue

NO_EVIDENCE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Explanation:
    """A sentence, and what it cites: catalogue indices of products that were purchased or recently seen, `[n]`."""

    text: str
    evidence: np.ndarray


class PurchaseEvidence:
    """One customer's purchases as evidence for explanations; arrays are `[purchased]`.

    Args:
        batch: The batch with the customer.
        row: The customer's row in the batch.
    """

    def __init__(self, batch: CustomerBatch, row: int):
        self.batch = batch
        self.row = row
        self.purchased = batch.positions[row]

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue that the positions refer to."""
        return self.batch.catalogue

    def history(self, name: str) -> np.ndarray:
        """Return one of `schema.HISTORY`, aligned with `purchased`."""
        return self.batch.history(self.row, name)

    def times(self, index: int) -> str:
        """Describe in how many baskets the purchased product at `index` was: `once`, `5 times`."""
        return _times(self.history("baskets")[index])

    def rhythm(self, index: int) -> str:
        """Describe how often and how recently the purchased product at `index` was bought."""
        baskets, gap = self.history("baskets")[index], float(self.history("gap_mean_days")[index])
        often = f", about every {gap:.0f} days" if baskets >= 3 and gap >= 2 else ""
        return f"You bought this {_times(baskets)}{often}, last {_ago(self.history('days_since_last')[index])}"

    def cite(self, opening: str, index: int) -> Explanation:
        """Name one purchase as the reason; `opening` has a place `{}` for the product's name."""
        position = self.purchased[index]
        name = self.catalogue.names[position] or f"product {self.catalogue.product_ids[position]}"
        return Explanation(f"{opening.format(name)}, which you bought {self.times(index)}", position[None])

    def cite_type(self, opening: str, position: int) -> Explanation:
        """Add to `opening` what was bought of the product's type, if anything was."""
        types = self.catalogue.codes["product_type"]
        same = np.flatnonzero(types[self.purchased] == (int(types[position]) or -1))
        if not len(same):
            return Explanation(opening, NO_EVIDENCE)
        name = self.catalogue.type_names[position].lower() or "this kind"
        times = _times(self.history("baskets")[same].sum())
        words = f"{times}, last {_ago(self.history('days_since_last')[same].min())}"
        return Explanation(f"{opening}; you bought {name} {words}", self.purchased[same])


def cite_seen(catalogue: Catalogue, interest: Interest, position: int) -> Explanation:
    """Name the recent event behind the interest in the product at `position`."""
    cause = int(interest.cause[position])
    seen, relation = interest.seen[cause], RELATIONS[interest.relation[position]]
    evidence = interest.positions[[cause]]
    if relation == "itself":
        return Explanation(f"You {seen.verb} this {_ago(seen.age_days)}", evidence)
    name = catalogue.names[evidence[0]] or f"product {seen.product_id}"
    opening = f"Often bought with {name}" if relation == "together" else f"Similar to {name}"
    return Explanation(f"{opening}, which you {seen.verb} {_ago(seen.age_days)}", evidence)


def _times(baskets: float) -> str:
    return {1: "once", 2: "twice"}.get(int(baskets), f"{int(baskets)} times")


def _ago(days: float) -> str:
    whole = int(days)
    return {0: "today", 1: "yesterday"}.get(whole, f"{whole} days ago")
