"""Why an item is on a slate, in words for the customer and from the customer's own purchases.

A reason cites facts that can be checked: the product's own rhythm, the product of the customer's history that speaks
loudest for the item, or what was bought of the same type. Take the cited purchases out of the history, and the item
falls or the reason is another one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.catalogue import Catalogue
from scoring.models.sparse_rows import SparseRows

NONE = np.zeros(0, np.int64)

FALLBACK_TEXT = {
    "two_tower": "Goes with what you buy",
    "item_to_item": "Often bought by customers who buy what you buy",
    "item_to_item_recent": "Often bought by customers who buy what you bought lately",
    "item_knn": "Bought by the same customers as what you buy",
    "user_knn": "Customers with a similar taste bought this lately",
    "matrix_factorization": "Customers with a similar taste buy this",
    "substitutes": "From a maker whose products you buy",
    "type_affinity": "Well liked now",
    "popular": "Popular with many customers now",
    "trending": "Many customers are trying this now",
    "upcoming_promotions": "On a mailer of the coming weeks",
    "request": "One of the products asked about",
}
"""The reason of each source if no purchase supports the item, and else its beginning; `repeat_purchases` cites the
product's own purchases only."""

THIS_WEEK_TEXT = "On this week's mailer"


@dataclass(frozen=True)
class Explanation:
    """A sentence, and the purchases it speaks of: catalogue indices of own products, `[n]`."""

    text: str
    evidence: np.ndarray


class Explainer:
    """Reasons for one customer's items; `block` is None where nothing is known of the customer."""

    def __init__(self, catalogue: Catalogue, block: CustomerBatch | None, row: int = 0):
        self._catalogue = catalogue
        self._customer = None if block is None else _Purchases(catalogue, block, row)

    def of(self, position: int, source: str) -> Explanation:
        """Why `source` put the product at catalogue index `position` forward."""
        customer = self._customer
        if customer is None:
            return Explanation(FALLBACK_TEXT[source], NONE)
        if source == "repeat_purchases":
            itself = int(np.flatnonzero(customer.own == position)[0])
            return Explanation(customer.rhythm(itself), customer.own[[itself]])
        if source in ATTRIBUTIONS:
            words, share = ATTRIBUTIONS[source]
            shares = share(customer, position)
            loudest = int(shares.argmax()) if len(shares) else -1
            if loudest >= 0 and shares[loudest] > 0:
                named = customer.own[loudest]
                name = self._catalogue.names[named] or f"product {self._catalogue.product_ids[named]}"
                return Explanation(f"{words.format(name)}, which you bought {customer.times(loudest)}", named[None])
        opening = FALLBACK_TEXT[source]
        if source == "upcoming_promotions" and self._catalogue.column("mailer_stores_next_1w")[position] > 0:
            opening = THIS_WEEK_TEXT
        # What was bought of the product's type speaks for it too.
        mine = np.flatnonzero(customer.types == self._type(position))
        if not len(mine):
            return Explanation(opening, NONE)
        name = self._catalogue.type_names[position].lower() or "this kind"
        return Explanation(f"{opening}; you bought {name} {customer.together(mine)}", customer.own[mine])

    def _type(self, position: int) -> int:
        return int(self._catalogue.codes["product_type"][position]) or -1


class _Purchases:
    """One customer's purchases; each array is `[own]`, made when a reason first needs it."""

    def __init__(self, catalogue: Catalogue, block: CustomerBatch, row: int):
        self._catalogue = catalogue
        self._block = block
        self._row = row
        self.own = block.positions[row]

    @property
    def _buyers(self) -> SparseRows:
        return self._block.buyers[self._row]

    def fact(self, name: str) -> np.ndarray:
        return self._block.history(self._row, name)

    def times(self, mine: int) -> str:
        return _times(self.baskets[mine])

    def rhythm(self, mine: int) -> str:
        gap = float(self.gaps[mine])
        often = f", about every {gap:.0f} days" if self.baskets[mine] >= 3 and gap >= 2 else ""
        return f"You bought this {self.times(mine)}{often}, last {_ago(self.since[mine])}"

    def together(self, mine: np.ndarray) -> str:
        return f"{_times(self.baskets[mine].sum())}, last {_ago(self.since[mine].min())}"

    @cached_property
    def baskets(self) -> np.ndarray:
        return self.fact("baskets")

    @cached_property
    def gaps(self) -> np.ndarray:
        return self.fact("gap_mean_days")

    @cached_property
    def since(self) -> np.ndarray:
        return self.fact("days_since_last")

    @cached_property
    def types(self) -> np.ndarray:
        types: np.ndarray = self._catalogue.codes["product_type"][self.own]
        return types

    @cached_property
    def item_to_item(self) -> Callable[[int], np.ndarray]:
        return self._catalogue.item_to_item.shares(self._buyers, np.sqrt(self.fact("decayed_120d")))

    @cached_property
    def item_to_item_recent(self) -> Callable[[int], np.ndarray]:
        return self._catalogue.item_to_item.shares(self._buyers, np.sqrt(self.fact("decayed_20d")))

    @cached_property
    def item_knn(self) -> Callable[[int], np.ndarray]:
        model, weight = self._catalogue.item_knn, np.sqrt(self.fact("decayed_120d"))
        assert model is not None, "item-kNN put a product forward without having been fitted"
        return lambda position: model.likeness[[position]].toarray()[0, self.own] * weight

    @cached_property
    def neighbours(self) -> Callable[[int], np.ndarray]:
        return self._catalogue.neighbours.shares(self.own, self.baskets, self._block.likeness[self._row])

    @cached_property
    def two_tower(self) -> Callable[[int], np.ndarray]:
        vectors = self._catalogue.vectors
        own = vectors[self.own]
        return lambda position: own @ vectors[position]

    @cached_property
    def substitutes(self) -> Callable[[int], np.ndarray]:
        lines, weight = self._catalogue.lines, self.fact("decayed_120d")
        own = lines[self.own]
        return lambda position: np.where(own == lines[position], weight, 0.0)


ATTRIBUTIONS: dict[str, tuple[str, Callable[[_Purchases, int], np.ndarray]]] = {
    "item_knn": ("Bought by the same customers as {}", lambda bought, position: bought.item_knn(position)),
    "item_to_item": ("Often bought with {}", lambda bought, position: bought.item_to_item(position)),
    "item_to_item_recent": ("Often bought with {}", lambda bought, position: bought.item_to_item_recent(position)),
    "user_knn": ("Bought lately by others who buy {}", lambda bought, position: bought.neighbours(position)),
    "two_tower": ("Goes with {}", lambda bought, position: bought.two_tower(position)),
    "substitutes": ("By the maker of {}", lambda bought, position: bought.substitutes(position)),
}
"""Sources that name the purchase that speaks loudest for the item: the words, and what each purchase has to say."""


def _times(baskets: float) -> str:
    return {1: "once", 2: "twice"}.get(int(baskets), f"{int(baskets)} times")


def _ago(days: float) -> str:
    whole = int(days)
    return {0: "today", 1: "yesterday"}.get(whole, f"{whole} days ago")
