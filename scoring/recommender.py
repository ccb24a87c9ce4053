"""The second stage: from candidates to slates, with a fallback where nothing is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.candidates import Candidates
from scoring.customer import Customer
from scoring.features import cross_features
from scoring.ranker import SLATES, Ranker, Slate
from scoring.reasons import reason
from scoring.retriever import Retriever
from scoring.rule import by_rule
from scoring.segments import Route
from scoring.sources import SOURCES, Block

_SOURCE_NAMES = list(SOURCES)
_POPULAR = _SOURCE_NAMES.index("popular")
_REPEATS = _SOURCE_NAMES.index("repeats")


@dataclass(frozen=True)
class Item:
    product_id: str
    name: str
    score: float
    source: str
    reason: str


@dataclass(frozen=True)
class Recommendation:
    """A ranked list, and why it is not the model's if it is not."""

    items: list[Item]
    fallback: str | None


@dataclass(frozen=True)
class Ranked:
    """A customer's slate before it is put into words.

    positions: catalogue indices, best first; scores: the ranker's, `[n]`; sources: index in `SOURCES`, `[n]`.
    """

    positions: np.ndarray
    scores: np.ndarray
    sources: np.ndarray


class Recommender:
    """A retriever and a ranker, ready to answer. Safe to call from several threads.

    routes: customers who get the simple rule's list, because the model was found to serve them worse.
    """

    def __init__(self, retriever: Retriever, ranker: Ranker, routes: Sequence[Route] = ()):
        self.catalogue = retriever.catalogue
        self._retriever = retriever
        self._ranker = ranker
        self._routes = tuple(routes)

    def recommend(self, customer: Customer | None, slate: Slate = "all", k: int = 10) -> Recommendation:
        """The best `k` products for one customer; popular ones, marked as a fallback, if nothing is known."""
        if customer is None or customer.is_new:
            ranked = self._popular_only(k)
            items = [self._item(None, *row) for row in _rows(ranked)]
            return Recommendation(items, "unknown_customer" if customer is None else "empty_history")
        block, slates = next(self.rank([customer], slate, k))
        routed = "simple_rule" if self._is_routed(customer, slate) else None
        return Recommendation([self._item(block, *row) for row in _rows(slates[0])], routed)

    def rank(self, customers: Sequence[Customer], slate: Slate, k: int) -> Iterator[tuple[Block, list[Ranked]]]:
        """Slates of `k` products for many customers, a block at a time and in their order."""
        for block, candidates, scores in self.score(customers):
            yield (
                block,
                [self.slate(block, row, candidates[row], scores[row], slate, k) for row in range(len(scores))],
            )

    def score(self, customers: Sequence[Customer]) -> Iterator[tuple[Block, list[Candidates], list[np.ndarray]]]:
        """Candidates and the ranker's scores, float32 `[candidates, len(SLATES)]`, a block at a time."""
        for block, candidates in self._retriever.candidates(customers):
            parts = [cross_features(block, row, found) for row, found in enumerate(candidates)]
            numeric = np.concatenate([part[0] for part in parts])
            categorical = np.concatenate([part[1] for part in parts])
            ends = np.cumsum([len(part[0]) for part in parts])[:-1]
            yield block, candidates, np.split(self._ranker(numeric, categorical), ends)

    def slate(self, block: Block, row: int, found: Candidates, scores: np.ndarray, slate: Slate, k: int) -> Ranked:
        """Sort one customer's candidates, keep what the slate is for, fill up with popular products if short."""
        if block.customers[row].is_new:
            return self._popular_only(k)
        if self._is_routed(block.customers[row], slate):
            positions, values = by_rule(block, row, slate, k)
            return Ranked(positions, values, np.where(np.isin(positions, block.positions[row]), _REPEATS, _POPULAR))
        usable = np.flatnonzero(~found.is_own) if slate == "explore" else np.arange(len(found.positions))
        score = scores[usable, SLATES.index(slate)]
        popularity = self.catalogue.popularity[found.positions[usable]]
        order = usable[np.lexsort((found.positions[usable], -popularity, -score))][:k]
        positions, sources = found.positions[order], found.source[order]
        values = scores[order, SLATES.index(slate)]
        if len(positions) < k:
            taken = np.concatenate([positions, block.positions[row]])
            head = self.catalogue.by_popularity[: k + len(taken)]
            extra = head[~np.isin(head, taken)][: k - len(positions)]
            floor = float(values.min()) if len(values) else 0.0
            positions = np.concatenate([positions, extra])
            values = np.concatenate([values, floor - 1.0 - np.arange(len(extra), dtype=np.float32)])
            sources = np.concatenate([sources, np.full(len(extra), _POPULAR)])
        return Ranked(positions, values, sources)

    def _is_routed(self, customer: Customer, slate: Slate) -> bool:
        return any(route.takes(customer, slate) for route in self._routes)

    def _popular_only(self, k: int) -> Ranked:
        positions = self.catalogue.by_popularity[:k]
        return Ranked(positions, self.catalogue.popularity[positions], np.full(len(positions), _POPULAR))

    def _item(self, block: Block | None, position: int, score: float, source: str) -> Item:
        return Item(
            product_id=self.catalogue.product_ids[position],
            name=self.catalogue.names[position],
            score=round(score, 6),
            source=source,
            reason=reason(block, position, source),
        )


def _rows(ranked: Ranked) -> Iterator[tuple[int, float, str]]:
    for position, score, source in zip(ranked.positions, ranked.scores, ranked.sources, strict=True):
        yield int(position), float(score), _SOURCE_NAMES[source]
