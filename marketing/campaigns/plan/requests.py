"""Turn a campaign into a request for a plan: its targets with content, slots and expected values."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketing.campaigns.content.slots import offer_slots, product_slots, trigger_slots
from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.plan.plan import Request
from marketing.campaigns.plan.sources import Sources
from marketing.campaigns.policy.contacts import Contacts
from marketing.campaigns.targets.targets import Found, audience_of, scheduled, triggered
from marketing.campaigns.triggers.anniversary import anniversary
from marketing.campaigns.triggers.cart_left import cart_left
from marketing.campaigns.triggers.definitions import (
    CartLeft,
    CategoriesDue,
    FirstPurchase,
    LapseRising,
    NewProduct,
    Trigger,
)
from marketing.campaigns.triggers.due import categories_due
from marketing.campaigns.triggers.first_purchase import first_purchase
from marketing.campaigns.triggers.lapse import lapse_rising
from marketing.campaigns.triggers.new_product import new_product
from marketing.segments import select

KEY = ["customer_id", "trigger", "occurrence"]


def request_of(file: CampaignFile, sources: Sources, decided: pa.Table, as_of: datetime, contacts: Contacts) -> Request:
    """Return the request of one campaign.

    Args:
        file: the campaign.
        sources: scores, features, products and lists.
        decided: customer_id, trigger, occurrence, outcome, decided_at of the campaign's earlier decisions.
        as_of: the instant of the plan (naive UTC).
        contacts: which customers can be reached; coupons are allocated among these.

    Raises:
        MarketingError: something that the campaign needs is missing; the message names it.
    """
    campaign = file.campaign
    found = audience_of(campaign.audience, sources.scores, sources.coupons)
    targets = targets_of(file, found, sources, as_of)
    before = len(targets)
    targets = _undecided(targets, decided)
    ids = targets["customer_id"].combine_chunks()
    products = offers = None
    if campaign.recommendations and campaign.recommendations.slate == "trigger":
        products = trigger_slots(targets["product_ids"], campaign.recommendations, sources.products)
    elif campaign.recommendations:
        products = product_slots(ids, campaign.recommendations, sources.recommend, sources.products)
    if campaign.offer:
        needs_consent = sources.policy.classes[campaign.message_class].needs_consent
        reached = contacts.can_be_reached(ids, campaign.channel, campaign.purpose, needs_consent)
        barred = sources.restricted_coupons
        offers = offer_slots(ids, campaign.offer, campaign.budget, sources.scores, barred, reached)
    return Request(
        file=file,
        targets=targets,
        content=_content(campaign, ids, sources),
        product_ids=products,
        offers=offers,
        values=expected_values(campaign, targets, offers, sources),
        decided=decided,
        decided_before=before - len(targets),
        left_out=found.left_out,
    )


def targets_of(file: CampaignFile, found: Found, sources: Sources, as_of: datetime) -> pa.Table:
    """Return the targets of a campaign, rows of `TARGETS`.

    Raises:
        CampaignError: the campaign has not started, or a trigger has nothing to compare with.
    """
    campaign = file.campaign
    if campaign.trigger is None:
        return scheduled(found, campaign.id, campaign.schedule, local_day(as_of, sources))
    return triggered(occurrences_of(campaign.trigger, sources, file.path.parent, as_of), found)


def occurrences_of(trigger: Trigger, sources: Sources, folder: Path, as_of: datetime) -> pa.Table:
    """Return the occurrences of a trigger, rows of `TARGETS`.

    Args:
        trigger: the trigger.
        sources: scores, features and events.
        folder: of the campaign's file, to which a file's name in the trigger is relative.
        as_of: the instant of the plan (naive UTC).

    Raises:
        CampaignError: the trigger has nothing to compare with, or a file cannot be used.
    """
    if isinstance(trigger, LapseRising):
        before = sources.earlier_predictions
        if before is None:
            raise CampaignError(
                "Only one publication of predictions is kept, so no risk can have risen. Score another day."
            )
        return lapse_rising(trigger, before, sources.predictions, sources.part("predictions").as_of)
    if isinstance(trigger, CategoriesDue):
        instant, barred = sources.part("audiences").as_of_instant, sources.products.bars_category
        return categories_due(trigger, sources.predictions, sources.index, instant, sources.zone, barred)
    if isinstance(trigger, FirstPurchase):
        return first_purchase(trigger, sources.profiles)
    if isinstance(trigger, NewProduct):
        return new_product(trigger, sources.features, sources.products.restricted, sources.until or datetime.max)
    if isinstance(trigger, CartLeft):
        return cart_left(trigger, sources.events, as_of)
    return anniversary(trigger, folder / trigger.file, local_day(as_of, sources))


def expected_values(campaign: Campaign, targets: pa.Table, offers: pa.Table | None, sources: Sources) -> np.ndarray:
    """Return the expected value of a message to each target, float64 `[targets]`; NaN where a probability is unknown.

    Raises:
        CampaignError: the value comes from offers, and no coupon has a known worth.
    """
    value, count = campaign.value, len(targets)
    if value.times == "offer":
        assert offers is not None  # the definition requires an offer
        if offers["coupon_id"].null_count < count and offers["expected_margin"].null_count == count:
            raise CampaignError(
                "value.times = 'offer', but no coupon has a known worth. Bring the table coupon_values, or write "
                "offer.face_value and offer.margin."
            )
        return _numbers(offers["expected_margin"])
    if value.times == "message":
        return np.full(count, value.amount)
    if value.times in ("audience", "trigger"):
        return value.amount * _numbers(targets["probability"])
    position = pc.index_in(targets["customer_id"], sources.predictions["customer_id"].combine_chunks())
    return value.amount * _numbers(sources.predictions[value.times].take(position))


def local_day(as_of: datetime, sources: Sources) -> date:
    """Return the shop's day of an instant."""
    return as_of.replace(tzinfo=UTC).astimezone(sources.zone).date()


def _content(campaign: Campaign, customer_ids: pa.Array, sources: Sources) -> pa.Array:
    """Return the first content whose filter matches each customer."""
    chosen = pa.nulls(len(customer_ids), pa.string())
    for content in campaign.content:
        if content.filter is None:
            return pc.fill_null(chosen, content.name)
        matches = pc.is_in(customer_ids, select(sources.scores, content.filter).customer_ids)
        chosen = pc.if_else(pc.and_(pc.is_null(chosen), matches), content.name, chosen)
    return chosen


def _numbers(values: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _undecided(targets: pa.Table, decided: pa.Table) -> pa.Table:
    """Return the targets whose occurrence the campaign has not decided yet, by customer_id."""
    keys = [pc.binary_join_element_wise(*(table[name] for name in KEY), "\x1f") for table in (targets, decided)]
    kept = pc.invert(pc.is_in(keys[0], keys[1].combine_chunks()))
    return targets.filter(kept).sort_by("customer_id").combine_chunks()
