"""Order customers for items, with probabilities, a curve of reach, and the reasons for customers left out.

A command and the service call the same functions, so their answers are equal.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketing.audience.curve import Reach, curve, reach
from marketing.audience.index import AudienceIndex
from marketing.audience.inputs import ACTIVE_DAYS, active_customers, inputs_of
from marketing.audience.question import Buyers, Items
from marketing.audience.scorers import AudienceModel
from marketing.errors import AudienceError

EXAMPLES = 3

PROBABILITY, SIMILARITY = "probability", "similarity"


@dataclass(frozen=True)
class LeftOut:
    """Customers who are not in an audience for one reason."""

    reason: str
    customers: int
    examples: Sequence[str]


@dataclass(frozen=True)
class Limits:
    """The customers that an audience may hold.

    Attributes:
        buyers: past buyers, new buyers, or both.
        size: at most this many customers; None for no limit.
        least_probability: only customers at least as likely to buy (of look-alikes: as similar).
        exclude: ids of customers to leave out.
    """

    buyers: Buyers = Buyers.BOTH
    size: int | None = None
    least_probability: float | None = None
    exclude: Collection[str] = ()

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise AudienceError(f"An audience of {self.size} customers is empty. Ask for a size of at least 1.")
        if self.least_probability is not None and not 0 <= self.least_probability <= 1:
            raise AudienceError(f"{self.least_probability} is not a probability. Give a number from 0 to 1.")


@dataclass(frozen=True)
class Audience:
    """The answer.

    Attributes:
        name: what was asked for.
        score_name: `probability` of buying in the horizon, or `similarity` of look-alikes.
        customer_ids: those to reach first come first.
        scores: of each, descending, float64 `[customers]`.
        is_past: whether each bought one of the items before, `[customers]`; all False for look-alikes.
        reachable: customers before `size` and the least probability were applied.
        total: the expected buyers of the whole audience; None for look-alikes.
        curve: the expected buyers at several shares of the reachable customers; empty for look-alikes.
        left_out: who is missing, by reason.
        warnings: how far the probabilities can be trusted, in sentences.
    """

    name: str
    score_name: str
    customer_ids: pa.Array
    scores: np.ndarray
    is_past: np.ndarray
    reachable: int
    total: Reach | None
    curve: Sequence[Reach]
    left_out: Sequence[LeftOut]
    warnings: Sequence[str] = ()


def audience(index: AudienceIndex, model: AudienceModel, items: Items, limits: Limits) -> Audience:
    """Return the audience for items: the same question of the same scores gives the same answer.

    Raises:
        AudienceError: the model has no scorer for this kind of item, or no customer is left.
    """
    if items.kind not in model.scorers:
        kinds = ", ".join(sorted(model.scorers))
        raise AudienceError(f"The model has no audiences for a {items.kind}, only for: {kinds}. Ask for one of these.")
    inputs = inputs_of(index, list(items.rows))
    probabilities = model.probabilities(items.kind, inputs)
    left_out = [_inactive(index, inputs.customers)]
    kept = np.ones(len(inputs.customers), bool)
    if limits.buyers is not Buyers.BOTH:
        kept = inputs.is_past if limits.buyers is Buyers.PAST else ~inputs.is_past
        reason = f"bought {items.name} before" if limits.buyers is Buyers.NEW else f"never bought {items.name}"
        left_out.append(_left_out(index, reason, inputs.customers[~kept]))
    ordered = _ordered(index, inputs.customers[kept], probabilities[kept], limits, left_out)
    is_past = np.zeros(len(index.customers), bool)
    is_past[inputs.customers[inputs.is_past]] = True
    spread = model.spread[items.kind]
    found = _answer(
        items.name,
        PROBABILITY,
        index,
        ordered,
        is_past[ordered.reached],
        reach(ordered.all_scores, len(ordered.reached), spread),
        curve(ordered.all_scores, spread),
        left_out,
    )
    return replace(found, warnings=items.warnings)


def look_alikes(index: AudienceIndex, like: Collection[str], taste: pa.Table | None, limits: Limits) -> Audience:
    """Return the customers whose taste is nearest to the mean taste of given customers, by cosine.

    Args:
        index: the opened index.
        like: ids of the given customers, who are not part of the audience.
        taste: customer_id and taste of the published taste vectors; None to use those of the index.
        limits: `buyers` has no meaning here.

    Raises:
        AudienceError: none of the given customers is known, or no customer is left.
    """
    ids = index.customer_ids if taste is None else taste.column("customer_id").combine_chunks()
    vectors = index.taste if taste is None else np.array(taste.column("taste").to_pylist(), np.float64)
    positions = pc.index_in(ids, index.customer_ids).to_numpy(zero_copy_only=False)  # NaN for a customer without a row
    known = ~np.isnan(positions.astype(float))
    spread = np.zeros((len(index.customers), vectors.shape[1]))
    spread[positions[known].astype(int)] = vectors[known]
    given = np.flatnonzero(pc.is_in(index.customer_ids, pa.array(sorted(like), pa.string())).to_numpy(False))
    lengths = np.linalg.norm(spread, axis=1)
    if not len(given) or not lengths[given].any():
        named = ", ".join(f"'{customer}'" for customer in sorted(like)[:EXAMPLES]) or "nothing"
        raise AudienceError(f"No taste is known of the given customers ({named}). Give ids of customers who bought.")
    mean = (spread[given] / np.where(lengths[given] > 0, lengths[given], 1)[:, None]).mean(axis=0)
    similarity = spread @ mean / np.where(lengths > 0, lengths, 1) / max(float(np.linalg.norm(mean)), 1e-12)
    customers = np.flatnonzero(active_customers(index))
    left_out = [_inactive(index, customers)]
    is_given = np.isin(customers, given)
    left_out.append(_left_out(index, "among the given customers", customers[is_given]))
    if unknown := sorted(set(like) - set(index.customer_ids.take(pa.array(given)).to_pylist())):
        left_out.append(LeftOut("given but unknown", len(unknown), unknown[:EXAMPLES]))
    customers = customers[~is_given]
    left_out.append(_left_out(index, "without a taste vector", customers[lengths[customers] == 0]))
    customers = customers[lengths[customers] > 0]
    ordered = _ordered(index, customers, similarity[customers], limits, left_out)
    none = np.zeros(len(ordered.reached), bool)
    name = f"customers like {len(given)} given ones"
    return _answer(name, SIMILARITY, index, ordered, none, None, [], left_out)


@dataclass(frozen=True)
class _Ordered:
    """Numbers and scores of the reached customers, and the scores of all reachable ones, both descending."""

    reached: np.ndarray
    scores: np.ndarray
    all_scores: np.ndarray


def _ordered(
    index: AudienceIndex, customers: np.ndarray, scores: np.ndarray, limits: Limits, left_out: list[LeftOut]
) -> _Ordered:
    """Apply the limits and order; customers with equal scores are ordered by id."""
    if limits.exclude:
        excluded = pc.is_in(index.customer_ids, pa.array(sorted(limits.exclude), pa.string())).to_numpy(False)
        is_excluded = excluded[customers]
        left_out.append(_left_out(index, "excluded by the question", customers[is_excluded]))
        customers, scores = customers[~is_excluded], scores[~is_excluded]
    order = np.argsort(-scores, kind="stable")
    customers, scores = customers[order], scores[order]
    size = len(customers)
    if limits.least_probability is not None:
        size = int((scores >= limits.least_probability).sum())
        left_out.append(_left_out(index, f"below the minimum of {limits.least_probability:g}", customers[size:]))
    if limits.size is not None and limits.size < size:
        left_out.append(_left_out(index, f"beyond the size of {limits.size}", customers[limits.size : size]))
        size = limits.size
    if not size:
        reasons = "; ".join(f"{part.customers} {part.reason}" for part in left_out if part.customers)
        highest = f" The highest score is {scores[0]:.3f}." if len(scores) else ""
        raise AudienceError(f"The audience is empty: {reasons or 'no customer is known'}.{highest} Loosen a limit.")
    return _Ordered(customers[:size], scores[:size], scores)


def _answer(
    name: str,
    score_name: str,
    index: AudienceIndex,
    ordered: _Ordered,
    is_past: np.ndarray,
    total: Reach | None,
    points: Sequence[Reach],
    left_out: Sequence[LeftOut],
) -> Audience:
    return Audience(
        name,
        score_name,
        index.customer_ids.take(pa.array(ordered.reached)),
        ordered.scores,
        is_past,
        len(ordered.all_scores),
        total,
        points,
        [part for part in left_out if part.customers],
    )


def _inactive(index: AudienceIndex, active: np.ndarray) -> LeftOut:
    is_left = np.ones(len(index.customers), bool)
    is_left[active] = False
    return _left_out(index, f"bought nothing in the last {ACTIVE_DAYS // 7} weeks", np.flatnonzero(is_left))


def _left_out(index: AudienceIndex, reason: str, customers: np.ndarray) -> LeftOut:
    return LeftOut(reason, len(customers), index.customer_ids.take(pa.array(customers[:EXAMPLES])).to_pylist())
