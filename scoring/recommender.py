"""From customers to slates: candidates, features, ranking, fallbacks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scoring.candidates import Candidates, gather
from scoring.catalogue import Catalogue
from scoring.customer import Customer
from scoring.features import cross_features
from scoring.ranker import SLATES, Ranker
from scoring.reasons import reason
from scoring.sources import SOURCES, Block
from scoring.towers import Tower, query_inputs

BLOCK = 64
"""Customers scored together: enough for the matrix products, few enough for the dense score matrices."""

Slate = Literal["all", "explore"]


@dataclass(frozen=True)
class Item:
    product_id: str
    name: str
    score: float
    source: str
    reason: str


@dataclass(frozen=True)
class Recommendation:
    """A ranked list, and why it is not a personal one if it is not."""

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
    """A catalogue, a query tower and a ranker, ready to answer. Safe to call from several threads."""

    def __init__(
        self, catalogue: Catalogue, query_tower: Tower, ranker: Ranker, quotas: Mapping[str, int]
    ):
        self.catalogue = catalogue
        self._query_tower = query_tower
        self._ranker = ranker
        self._quotas = dict(quotas)
        sold = np.flatnonzero(catalogue.sellable)
        popularity = catalogue.column("buyers_4w") + 1e-4 * catalogue.column("buyers")
        self._popular = sold[np.lexsort((sold, -popularity[sold]))]
        self._popularity = popularity

    def recommend(self, customer: Customer, slate: Slate = "all", k: int = 10) -> Recommendation:
        """The best `k` products for one customer; popular ones, marked as a fallback, if nothing is known."""
        block, ranked = next(self.rank([customer], slate, k))
        items = [
            self._item(block, int(position), float(score), int(source))
            for position, score, source in zip(
                ranked[0].positions, ranked[0].scores, ranked[0].sources, strict=True
            )
        ]
        return Recommendation(items, "empty_history" if customer.is_new else None)

    def rank(
        self, customers: Sequence[Customer], slate: Slate, k: int
    ) -> Iterator[tuple[Block, list[Ranked]]]:
        """Slates of `k` products for many customers, a block at a time and in their order."""
        for block, candidates, scores in self.score(customers):
            yield (
                block,
                [self._slate(block, row, candidates[row], scores[row], slate, k) for row in range(len(scores))],
            )

    def score(
        self, customers: Sequence[Customer]
    ) -> Iterator[tuple[Block, list[Candidates], list[np.ndarray]]]:
        """Candidates and the ranker's scores, float32 `[candidates, len(SLATES)]`, a block at a time."""
        for block, candidates in self.candidates(customers):
            yield block, candidates, self._score_block(block, candidates)

    def candidates(self, customers: Sequence[Customer]) -> Iterator[tuple[Block, list[Candidates]]]:
        """Candidates of every customer, a block at a time."""
        for start in range(0, len(customers), BLOCK):
            part = customers[start : start + BLOCK]
            vectors = self._query_tower(query_inputs(part, self.catalogue.index, self.catalogue.codes))
            block = Block.of(part, self.catalogue, vectors)
            yield block, gather(block, self._quotas)

    def _score_block(self, block: Block, candidates: list[Candidates]) -> list[np.ndarray]:
        parts = [cross_features(block, row, found) for row, found in enumerate(candidates)]
        numeric = np.concatenate([part[0] for part in parts])
        categorical = np.concatenate([part[1] for part in parts])
        ends = np.cumsum([len(part[0]) for part in parts])[:-1]
        return np.split(self._ranker(numeric, categorical), ends)

    def _slate(
        self, block: Block, row: int, found: Candidates, scores: np.ndarray, slate: Slate, k: int
    ) -> Ranked:
        """Sort, keep what the slate is for, and fill up with popular products if the list is short."""
        if block.customers[row].is_new:
            return self._popular_only(k)
        usable = np.flatnonzero(~found.is_own) if slate == "explore" else np.arange(len(found.positions))
        score = scores[usable, SLATES.index(slate)]
        popularity = self._popularity[found.positions[usable]]
        order = usable[np.lexsort((found.positions[usable], -popularity, -score))][:k]
        positions = found.positions[order]
        values = scores[order, SLATES.index(slate)]
        sources = found.source[order]
        if len(positions) < k:
            taken = np.concatenate([positions, block.positions[row]])
            extra = self._popular[~np.isin(self._popular, taken)][: k - len(positions)]
            floor = float(values.min()) if len(values) else 0.0
            positions = np.concatenate([positions, extra])
            values = np.concatenate([values, floor - 1.0 - np.arange(len(extra), dtype=np.float32)])
            sources = np.concatenate([sources, np.full(len(extra), _POPULAR)])
        return Ranked(positions, values, sources)

    def _popular_only(self, k: int) -> Ranked:
        positions = self._popular[:k]
        return Ranked(positions, self._popularity[positions], np.full(len(positions), _POPULAR))

    def _item(self, block: Block, position: int, score: float, source: int) -> Item:
        name = _SOURCE_NAMES[source]
        return Item(
            product_id=self.catalogue.product_ids[position],
            name=self.catalogue.names[position],
            score=round(score, 6),
            source=name,
            reason=reason(block, 0, position, name),
        )


_SOURCE_NAMES = list(SOURCES)
_POPULAR = _SOURCE_NAMES.index("popular")

