"""The second stage: from candidates to slates, with a fallback for customers without history."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.event_types import event_types
from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.interest import Interest, interest_of
from scoring.candidates.merge import Candidates
from scoring.candidates.retriever import Retriever
from scoring.candidates.sources import SOURCES
from scoring.customer.customer import Customer
from scoring.fallback import Fallback, FeatureState, fallback_reason
from scoring.models.ranker import SLATES, Ranker, Slate
from scoring.rank_features import cross_features
from scoring.request import RecommendationRequest
from scoring.reranking.baseline import recency_frequency_baseline
from scoring.reranking.business_rules import NO_RULES, BusinessRules, apply_business_rules
from scoring.reranking.explanations import REQUEST, Explainer
from scoring.reranking.group_fallback import GroupFallback
from scoring.reranking.promotion import promote
from scoring.similar_items import append_remaining, explain, similar
from scoring.timing import mark

_SOURCE_NAMES = [*SOURCES, REQUEST]  # `merge.REQUESTED`, -1, is the last
_SEEN = _SOURCE_NAMES.index("seen_lately")
_POPULAR = _SOURCE_NAMES.index("popular")
_REPEATS = _SOURCE_NAMES.index("repeat_purchases")


@dataclass(frozen=True)
class Item:
    """One product of a list, as an answer shows it."""

    product_id: str
    name: str
    category: str
    score: float
    source: str
    reason: str


@dataclass(frozen=True)
class Recommendation:
    """A ranked list, and why it is not the model's if it is not."""

    items: list[Item]
    fallback: Fallback | None


@dataclass(frozen=True)
class RankedList:
    """A customer's slate without names and explanations.

    Attributes:
        positions: Catalogue indices, best first.
        scores: The ranker's scores, `[n]`.
        sources: The index in `SOURCES` of each product's source, `[n]`.
    """

    positions: np.ndarray
    scores: np.ndarray
    sources: np.ndarray

    def at(self, ranks: np.ndarray | slice) -> "RankedList":
        """Return some ranks of the list, as a list."""
        return RankedList(self.positions[ranks], self.scores[ranks], self.sources[ranks])


@dataclass(frozen=True)
class _Shown:
    """The limits of one customer's list.

    Attributes:
        k: The length of the list.
        rules: The business rules of the request.
        restrict_to: Catalogue indices that the request is restricted to, `[n]`; None without a restriction.
        is_shown: Which products may be shown, bool `[products]`.
        popular_first: Catalogue indices of these products, the most popular first.
        disliked: Catalogue indices that come last in a restricted list, `[n]`.
    """

    k: int
    rules: BusinessRules
    restrict_to: np.ndarray | None
    is_shown: np.ndarray
    popular_first: np.ndarray
    disliked: list[int] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """How long a list must be before business rules or a request's candidates shorten it."""
        return self.k if self.rules.is_empty and self.restrict_to is None else len(self.is_shown)


class Recommender:
    """A retriever and a ranker, ready to answer. Safe to call from several threads.

    Args:
        retriever: The first stage.
        ranker: The second stage.
        fallbacks: Groups of customers who get the baseline's list, because the model serves them worse.
        baseline: Whether all customers get the baseline's list, because there is no model yet.
        restricted: Products that no list shows, bool `[products]`; None for none.
    """

    def __init__(
        self,
        retriever: Retriever,
        ranker: Ranker,
        fallbacks: Sequence[GroupFallback] = (),
        baseline: bool = False,
        restricted: np.ndarray | None = None,
    ):
        self.catalogue = retriever.catalogue
        self.retriever = retriever
        self._ranker = ranker
        self._fallbacks = tuple(fallbacks)
        self._baseline = baseline
        self._boost = event_types().recent.boost
        self._is_shown = np.ones(len(self.catalogue), bool) if restricted is None else ~restricted
        self._popular_first = self.catalogue.by_popularity[self._is_shown[self.catalogue.by_popularity]]

    def without(self, restricted: np.ndarray | None) -> "Recommender":
        """Return the same recommender with lists that never show some products, bool `[products]`.

        Other candidates take their ranks. None shows all products.
        """
        return Recommender(self.retriever, self._ranker, self._fallbacks, self._baseline, restricted)

    def recommend(
        self, customer: Customer | None, request: RecommendationRequest, features: FeatureState = "current"
    ) -> Recommendation:
        """Return the best products for one customer; popular ones, as a fallback, if nothing is known.

        Products of `request.restrict_to` are scored as if a candidate source had proposed each of them. Those that the
        catalogue does not contain are left out.

        Args:
            customer: The customer; None if nothing is known.
            request: The request.
            features: The state of the customer's features, for the fallback's reason.
        """
        k, rules, restrict_to = request.k, request.rules, self._restriction(request.restrict_to)
        uses_baseline = customer is not None and (
            request.baseline or self._is_baseline_customer(customer, request.slate)
        )
        fallback = fallback_reason(customer, features, uses_baseline)
        batch: CustomerBatch | None
        if restrict_to is not None and not len(restrict_to):
            return Recommendation([], fallback)
        if customer is None or (customer.is_new and customer.recent.is_empty):
            ranked, batch = self._popular(self._shown_to(None, k, rules, restrict_to), None), None
        elif customer.is_new:
            batch = CustomerBatch.of([customer], self.catalogue, np.zeros_like(self.catalogue.vectors[:1]))
            ranked = self._popular(self._shown_to(customer, k, rules, restrict_to), interest_of(batch, 0))
        else:
            batch, candidates, scores = next(self.score([customer], restrict_to))
            ranked = self.build_slate(
                batch, 0, candidates[0], scores[0], request.slate, k, rules, restrict_to, request.baseline
            )
        why = Explainer(self.catalogue, batch)
        items = []
        for position, score, source in zip(ranked.positions, ranked.scores, ranked.sources, strict=True):
            name = _SOURCE_NAMES[source]
            items.append(self._item(position, score, name, why.explain(int(position), name).text))
        return Recommendation(items, fallback)

    def similar(self, product_id: str, k: int, rules: BusinessRules = NO_RULES) -> Recommendation:
        """Return products that are similar to one product or bought with it.

        Raises:
            KeyError: The product is not in the catalogue.
        """
        asked = self.catalogue.index[product_id]
        found = similar(self.catalogue, asked).where(self._is_shown)
        ranks = apply_business_rules(self.catalogue, found.positions, found.scores, rules, k)
        if len(ranks) < k:
            found = append_remaining(self.catalogue, asked, found).where(self._is_shown)
            ranks = apply_business_rules(self.catalogue, found.positions, found.scores, rules, k)
        items = []
        for position, score, together in zip(
            found.positions[ranks], found.scores[ranks], found.is_co_purchase[ranks], strict=True
        ):
            why = explain(self.catalogue, asked, position, together)
            items.append(self._item(position, score, "item_to_item" if together else "two_tower", why))
        return Recommendation(items, None)

    def rank_batch(
        self, customers: Sequence[Customer], slate: Slate, k: int
    ) -> Iterator[tuple[CustomerBatch, list[RankedList]]]:
        """Yield slates of `k` products for many customers, a batch at a time and in their order."""
        for batch, candidates, scores in self.score(customers):
            yield (
                batch,
                [self.build_slate(batch, row, candidates[row], scores[row], slate, k) for row in range(len(scores))],
            )

    def score(
        self, customers: Sequence[Customer], restrict_to: np.ndarray | None = None
    ) -> Iterator[tuple[CustomerBatch, list[Candidates], list[np.ndarray]]]:
        """Yield candidates and the ranker's scores, float32 `[candidates, len(SLATES)]`, a batch at a time.

        Args:
            customers: The customers.
            restrict_to: Catalogue indices that replace the sources' candidates for all customers.
        """
        for batch, candidates in self.retriever.candidates(customers, restrict_to):
            parts = [cross_features(batch, row, found) for row, found in enumerate(candidates)]
            numeric = np.concatenate([part[0] for part in parts])
            categorical = np.concatenate([part[1] for part in parts])
            ends = np.cumsum([len(part[0]) for part in parts])[:-1]
            mark("features")
            scores = self._ranker(numeric, categorical)
            mark("ranker", len(numeric))
            yield batch, candidates, np.split(scores, ends)

    def build_slate(
        self,
        batch: CustomerBatch,
        row: int,
        found: Candidates,
        scores: np.ndarray,
        slate: Slate,
        k: int,
        rules: BusinessRules = NO_RULES,
        restrict_to: np.ndarray | None = None,
        baseline: bool = False,
    ) -> RankedList:
        """Sort one customer's candidates and keep those that belong to the slate and that the rules allow.

        Short lists are filled up with popular products, unless the request named the candidates (`restrict_to`). With
        `baseline`, the baseline orders the products instead.
        """
        customer, interest = batch.customers[row], interest_of(batch, row)
        shown = self._shown_to(customer, k, rules, restrict_to)
        if customer.is_new:
            return self._popular(shown, interest)
        if baseline or self._is_baseline_customer(customer, slate):
            return self._baseline_list(batch, row, slate, shown, interest)
        is_usable, depth = shown.is_shown[found.positions], shown.depth
        usable = np.flatnonzero(is_usable & ~found.is_repeat if slate == "explore" else is_usable)
        score = scores[usable, SLATES.index(slate)]
        popularity = self.catalogue.popularity[found.positions[usable]]
        order = usable[np.lexsort((found.positions[usable], -popularity, -score))]
        ranked = RankedList(found.positions[order], scores[order, SLATES.index(slate)], found.source[order])
        ranked = self._promoted(ranked, interest, k).at(slice(depth))
        positions, values, sources = ranked.positions, ranked.scores, ranked.sources
        if len(positions) < depth and restrict_to is None:
            is_taken = np.zeros(len(self.catalogue), bool)
            is_taken[positions] = is_taken[batch.positions[row]] = True
            head = shown.popular_first[: depth + int(is_taken.sum())]
            extra = head[~is_taken[head]][: depth - len(positions)]
            floor = float(values.min()) if len(values) else 0.0
            positions = np.concatenate([positions, extra])
            values = np.concatenate([values, floor - 1.0 - np.arange(len(extra), dtype=np.float32)])
            sources = np.concatenate([sources, np.full(len(extra), _POPULAR)])
        return self._apply_rules(RankedList(positions, values, sources), shown)

    def _baseline_list(
        self, batch: CustomerBatch, row: int, slate: Slate, shown: _Shown, interest: Interest | None
    ) -> RankedList:
        own = batch.positions[row]
        positions, values = recency_frequency_baseline(batch, row, slate, shown.depth + len(own), shown.popular_first)
        is_shown = shown.is_shown[positions]
        positions, values = positions[is_shown][: shown.depth], values[is_shown][: shown.depth]
        sources = np.where(np.isin(positions, own), _REPEATS, _POPULAR)
        ranked = RankedList(positions, values, sources)
        if interest is not None:
            new = self._wanted(interest, shown, np.concatenate([positions, own]))
            catalogue = self.catalogue
            base = (catalogue.popularity if slate == "explore" else catalogue.popularity_share)[new]
            ranked = self._promoted(_joined(ranked, new, base), interest, shown.k).at(slice(shown.depth))
        return self._apply_rules(ranked, shown)

    def _popular(self, shown: _Shown, interest: Interest | None) -> RankedList:
        positions = shown.popular_first[: shown.depth]
        scores = self.catalogue.popularity[positions]
        ranked = RankedList(positions, scores, np.full(len(positions), _POPULAR))
        if interest is not None:
            new = self._wanted(interest, shown, positions)
            ranked = _joined(ranked, new, self.catalogue.popularity[new])
            ranked = self._promoted(ranked, interest, shown.k).at(slice(shown.depth))
        return self._apply_rules(ranked, shown)

    def _promoted(self, ranked: RankedList, interest: Interest | None, k: int) -> RankedList:
        """Return the list with products of recent interest raised, and credited with it where it brought them in."""
        if interest is None:
            return ranked
        found = promote(ranked.scores, interest.scores[ranked.positions], self._boost, k)
        sources = np.where(found.is_credited, _SEEN, ranked.sources[found.order])
        return RankedList(ranked.positions[found.order], found.scores, sources)

    def _wanted(self, interest: Interest, shown: _Shown, taken: np.ndarray) -> np.ndarray:
        """Return catalogue indices of shown products of interest that are not `taken`, the most popular first."""
        found = np.flatnonzero((interest.scores > 0) & shown.is_shown)
        new = found[~np.isin(found, taken)]
        return new[np.lexsort((new, -self.catalogue.popularity[new]))]

    def _shown_to(
        self, customer: Customer | None, k: int, rules: BusinessRules, restrict_to: np.ndarray | None
    ) -> _Shown:
        """Return what a list may show: without what lies in the cart or was rated low, unless a request names it."""
        everyone = _Shown(k, rules, restrict_to, self._is_shown, self._popular_first)
        if customer is None or not customer.recent.withheld:
            return everyone
        if restrict_to is not None:
            return replace(everyone, disliked=self._found(customer.recent.disliked))
        is_shown = self._is_shown.copy()
        is_shown[self._found(customer.recent.withheld)] = False
        popular_first = self._popular_first[is_shown[self._popular_first]]
        return replace(everyone, is_shown=is_shown, popular_first=popular_first)

    def _found(self, product_ids: Collection[str]) -> list[int]:
        """Return the catalogue indices of those products that the catalogue contains."""
        index = self.catalogue.index
        return [index[product_id] for product_id in product_ids if product_id in index]

    def _restriction(self, product_ids: Sequence[str] | None) -> np.ndarray | None:
        """Return the catalogue indices that a request is restricted to, int64 `[n]`; None without a restriction."""
        if product_ids is None:
            return None
        found = {self.catalogue.index.get(product_id, -1) for product_id in product_ids} - {-1}
        return np.array(sorted(found), np.int64)

    def _apply_rules(self, ranked: RankedList, shown: _Shown) -> RankedList:
        if shown.restrict_to is not None:
            ranked = ranked.at(np.flatnonzero(np.isin(ranked.positions, shown.restrict_to)))
        if shown.disliked and len(ranked.positions):
            is_last = np.isin(ranked.positions, shown.disliked)
            scores = ranked.scores - is_last * (np.ptp(ranked.scores) + 1.0)
            ranked = RankedList(ranked.positions, scores, ranked.sources).at(np.argsort(is_last, kind="stable"))
        if shown.rules.is_empty:
            return ranked.at(slice(shown.k))
        return ranked.at(apply_business_rules(self.catalogue, ranked.positions, ranked.scores, shown.rules, shown.k))

    def _is_baseline_customer(self, customer: Customer, slate: Slate) -> bool:
        return self._baseline or any(fallback.applies_to(customer, slate) for fallback in self._fallbacks)

    def _item(self, position: int, score: float, source: str, reason: str) -> Item:
        return Item(
            product_id=self.catalogue.product_ids[position],
            name=self.catalogue.names[position],
            category=self.catalogue.category_names[position],
            score=round(float(score), 6),
            source=source,
            reason=reason,
        )


def _joined(ranked: RankedList, positions: np.ndarray, scores: np.ndarray) -> RankedList:
    """Add products of interest to a list by their scores, in their order behind equal ones."""
    joined = RankedList(
        np.concatenate([ranked.positions, positions]),
        np.concatenate([ranked.scores, scores]),
        np.concatenate([ranked.sources, np.full(len(positions), _SEEN)]),
    )
    return joined.at(np.argsort(-joined.scores, kind="stable"))
