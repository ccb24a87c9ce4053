"""Find the customers that a campaign wants to reach: by its audience, its trigger, or both.

A target is one customer and one occurrence of the schedule or the trigger. It stays the same as long as the occurrence
lasts, so planning again finds the same targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from marketing.audience.audience import Limits, audience
from marketing.audience.index import AudienceIndex
from marketing.audience.question import Items, category_items, coupon_items, product_items
from marketing.audience.scorers import AudienceModel
from marketing.campaigns.definition.campaign import Audience, Schedule
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.targets.rows import TARGETS, target_rows
from marketing.segments import open_scores, select
from marketing.segments.vocabulary import CUSTOMERS

SCHEDULE = "campaign"
"""The trigger of campaigns that run by their schedule."""


@dataclass(frozen=True)
class Found:
    """Customers of an audience.

    Attributes:
        customer_ids: sorted.
        probabilities: of buying the item, in the same order; None without an item.
        left_out: sentences about the customers that the audience leaves out.
    """

    customer_ids: pa.Array
    probabilities: pa.Array | None
    left_out: Sequence[str] = ()


def audience_of(wanted: Audience, scores: Path, coupons: Path) -> Found:
    """Return the customers of an audience.

    Args:
        wanted: the conditions.
        scores: the folder of published scores.
        coupons: the admitted table of coupons.

    Raises:
        ScoresError: nothing is published.
        FilterError: the filter cannot be used.
        AudienceError: the item is unknown, or no customer is left.
    """
    found = _item_audience(wanted, scores, coupons) if wanted.has_item else Found(all_customers(scores), None)
    if wanted.filter is None:
        return found
    kept = pc.is_in(found.customer_ids, select(scores, wanted.filter).customer_ids)
    probabilities = None if found.probabilities is None else found.probabilities.filter(kept)
    return Found(found.customer_ids.filter(kept), probabilities, found.left_out)


def all_customers(scores: Path) -> pa.Array:
    """Return the ids of all customers with scores, sorted."""
    with open_scores(scores) as connection:
        table = connection.sql(f"SELECT customer_id FROM {CUSTOMERS} ORDER BY customer_id").to_arrow_table()
    return table["customer_id"].combine_chunks()


def items_of(wanted: Audience, index: AudienceIndex, coupons: Path) -> Items:
    """Return the items that an audience buys.

    Raises:
        AudienceError: the item is unknown; the message names near ones.
    """
    if wanted.category:
        return category_items(index, wanted.category)
    if wanted.products:
        return product_items(index, wanted.products)
    assert wanted.coupon is not None  # an audience with an item has one of the three
    return coupon_items(index, coupons, wanted.coupon)


def scheduled(found: Found, campaign_id: str, schedule: Schedule, day: date) -> pa.Table:
    """Return a target for every customer of an audience, in the schedule's present period.

    Raises:
        CampaignError: the schedule has not started.
    """
    occurrence = f"{campaign_id}:{period(schedule, day)}"
    return target_rows(SCHEDULE, found.customer_ids, occurrence, found.probabilities)


def triggered(occurrences: pa.Table, found: Found) -> pa.Table:
    """Return the occurrences of a trigger whose customers are in the audience; the audience's probability counts.

    Args:
        occurrences: rows of `TARGETS`.
        found: the audience.
    """
    position = pc.index_in(occurrences["customer_id"], found.customer_ids)
    kept = pc.is_valid(position)
    occurrences, position = occurrences.filter(kept), position.filter(kept)
    if found.probabilities is not None:
        column = TARGETS.get_field_index("probability")
        occurrences = occurrences.set_column(column, "probability", found.probabilities.take(position))
    return occurrences.cast(TARGETS)


def period(schedule: Schedule, day: date) -> str:
    """Return the present period's name: `once`, or its first day.

    Raises:
        CampaignError: the schedule has not started.
    """
    if schedule.starts and day < schedule.starts:
        raise CampaignError(f"The campaign starts on {schedule.starts}; {day} is too early.")
    if not schedule.every_days or not schedule.starts:
        return "once"
    passed = (day - schedule.starts).days // schedule.every_days
    return str(schedule.starts + timedelta(days=passed * schedule.every_days))


def _item_audience(wanted: Audience, scores: Path, coupons: Path) -> Found:
    index = AudienceIndex.open(scores)
    limits = Limits(wanted.buyers, wanted.size, wanted.min_probability)
    answer = audience(index, AudienceModel.read(scores), items_of(wanted, index, coupons), limits)
    order = pc.sort_indices(answer.customer_ids)
    left_out = [f"{part.customers:,} {part.reason}" for part in answer.left_out]
    return Found(answer.customer_ids.take(order), pa.array(answer.scores).take(order), left_out)
