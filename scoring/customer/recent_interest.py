"""The effect of a customer's recent views, carts and ratings on the next list.

The result is a pure function of the *set* of interactions and purchases: order and repetition make no difference. The
weights of the types of events are data (core/event_types.toml).
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from core.event_types import EventType, EventTypes, event_types

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_ROUNDING = 1e-3
"""Days by which a float32 number of days may differ from the exact one."""


class InteractionLike(Protocol):
    """The newest event of one type about a product. Times are naive UTC."""

    @property
    def event_type(self) -> str:
        """The type, one of `core.event_types`."""
        ...

    @property
    def product_id(self) -> str:
        """The product."""
        ...

    @property
    def occurred_at(self) -> datetime:
        """When it happened."""
        ...

    @property
    def rating(self) -> float | None:
        """The share of the scale, 0 to 1, of a rating."""
        ...


@dataclass(frozen=True)
class SeenProduct:
    """A product that the customer showed an interest in, by one type of event.

    Attributes:
        product_id: The product.
        verb: The customer's action, as reasons word it.
        age_days: How long ago.
        history: Its weight in the history that the query tower reads; 1 is a purchase made now.
        itself: Its weight among the candidates.
        similar: The weight of the products most like it.
        together: The weight of the products most often bought with it.
    """

    product_id: str
    verb: str
    age_days: float
    history: float
    itself: float
    similar: float
    together: float


@dataclass(frozen=True)
class RecentInterest:
    """The changes that recent events of a customer make to a list.

    Attributes:
        seen: Products of interest, the newest event first.
        in_cart: Ids of the products that lie in the cart: they are completed, and not listed.
        disliked: Ids of the products that the customer rated low: they are not listed.
    """

    seen: tuple[SeenProduct, ...] = ()
    in_cart: frozenset[str] = frozenset()
    disliked: frozenset[str] = frozenset()

    @cached_property
    def withheld(self) -> frozenset[str]:
        """Ids of the products that no list shows to this customer."""
        return self.in_cart | self.disliked

    @property
    def is_empty(self) -> bool:
        """Whether recent events change nothing."""
        return not (self.seen or self.in_cart or self.disliked)


NO_INTEREST = RecentInterest()


def recent_interest(
    interactions: Iterable[InteractionLike],
    bought_at: Mapping[str, datetime],
    at: datetime,
    types: EventTypes | None = None,
) -> RecentInterest:
    """Return what interactions change at an instant.

    An event counts for `days` of its type. A product that was bought since is of no interest any more and no longer
    lies in the cart. A product lies in the cart if it was put there after it was last taken out. Of a product's ratings
    the newest counts, so a later purchase does not take a low one back.

    Args:
        interactions: For each type and product the newest event.
        bought_at: When the customer last bought a product, of those that interactions name.
        at: The present instant (naive UTC). Later events count as made just now.
        types: The types of events; None for those of the installation.
    """
    types = types or event_types()
    found: dict[tuple[str, str], InteractionLike] = {}
    for each in interactions:
        declared = types.types.get(each.event_type)
        # A type that the file no longer names changes nothing.
        if declared is not None and declared.changes_lists and at - each.occurred_at < declared.days * _DAY:
            known = found.get((each.event_type, each.product_id))
            if known is None or known.occurred_at < each.occurred_at:
                found[each.event_type, each.product_id] = each
    if not found:
        return NO_INTEREST
    put_in, taken_out = (_newest(found.values(), types, way) for way in ("adds", "removes"))
    in_cart = {
        product_id
        for product_id, instant in put_in.items()
        if instant > max(taken_out.get(product_id, datetime.min), bought_at.get(product_id, datetime.min))
    }
    rated = _ratings(found.values(), types)
    disliked = {product_id for product_id, share in rated.items() if share <= types.recent.low}
    wanted = [
        each
        for each in found.values()
        if types.types[each.event_type].is_interest
        and each.product_id not in disliked
        and _still_counts(each, types, bought_at, in_cart, rated)
    ]
    return RecentInterest(_weighted(wanted, types, at), frozenset(in_cart), frozenset(disliked))


def last_purchases(
    product_ids: Iterable[str], days_since_last: Iterable[float], known_at: datetime, wanted: Collection[str]
) -> dict[str, datetime]:
    """Return the last instant at which a customer's features may hold a purchase, for the wanted products.

    A receipt may have a day only. So a purchase stands for its whole day of the shop: an event of the same day counts
    as made before it.

    Args:
        product_ids: The products ever bought.
        days_since_last: Days from the last purchase to `known_at`, aligned with `product_ids`.
        known_at: The instant of the features, a midnight of the shop (UTC).
        wanted: The products to look for.
    """
    return {
        product_id: known_at - max(math.ceil(days - _ROUNDING) - 1, 0) * _DAY
        for product_id, days in zip(product_ids, days_since_last, strict=True)
        if product_id in wanted
    }


def _newest(found: Iterable[InteractionLike], types: EventTypes, way: str) -> dict[str, datetime]:
    newest: dict[str, datetime] = {}
    for each in found:
        if types.types[each.event_type].cart == way:
            newest[each.product_id] = max(newest.get(each.product_id, datetime.min), each.occurred_at)
    return newest


def _ratings(found: Iterable[InteractionLike], types: EventTypes) -> dict[str, float]:
    newest: dict[str, InteractionLike] = {}
    for each in found:
        if types.types[each.event_type].rating and each.rating is not None:
            known = newest.get(each.product_id)
            if known is None or known.occurred_at < each.occurred_at:
                newest[each.product_id] = each
    return {product_id: each.rating for product_id, each in newest.items() if each.rating is not None}


def _still_counts(
    each: InteractionLike,
    types: EventTypes,
    bought_at: Mapping[str, datetime],
    in_cart: Collection[str],
    rated: Mapping[str, float],
) -> bool:
    declared = types.types[each.event_type]
    if declared.rating:
        return rated.get(each.product_id, 0.0) >= types.recent.high
    if declared.cart == "adds":
        return each.product_id in in_cart
    return each.occurred_at > bought_at.get(each.product_id, datetime.min)


def _weighted(wanted: Sequence[InteractionLike], types: EventTypes, at: datetime) -> tuple[SeenProduct, ...]:
    """Return the products with their present weights, which fall with the event's age and the product's rank."""
    ordered = sorted(wanted, key=lambda each: (at - each.occurred_at, each.product_id, each.event_type))
    rank = {product_id: n for n, product_id in enumerate(dict.fromkeys(each.product_id for each in ordered))}
    return tuple(
        _seen(each, types.types[each.event_type], at, types.recent.rank_discount ** rank[each.product_id])
        for each in ordered
    )


def _seen(each: InteractionLike, declared: EventType, at: datetime, share: float) -> SeenProduct:
    age = max(at - each.occurred_at, timedelta())
    share *= 0.5 ** ((age / _HOUR) / declared.half_life_hours)
    return SeenProduct(
        each.product_id,
        declared.verb,
        age / _DAY,
        declared.history * share,
        declared.itself * share,
        declared.similar * share,
        declared.together * share,
    )
