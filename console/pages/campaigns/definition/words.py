"""Describe a campaign's definition in words."""

from collections.abc import Iterator

from marketing.audience.question import Buyers
from marketing.campaigns.definition.campaign import Audience, Campaign, Schedule
from marketing.campaigns.triggers.definitions import Trigger

TRIGGERS = {
    "lapse_rising": "whose risk of lapsing rises",
    "categories_due": "who are due to buy a category again",
    "first_purchase": "who bought for the first time",
    "new_product": "of a maker or type that has a new product",
    "cart_left": "who left something in the cart",
    "anniversary": "whose anniversary comes round",
}
BUYERS = {Buyers.PAST: "who bought it before", Buyers.NEW: "who never bought it", Buyers.BOTH: ""}


def audience_in_words(campaign: Campaign) -> str:
    """Return who gets the campaign, as a phrase."""
    parts = list(_audience(campaign.audience))
    if campaign.trigger:
        parts.insert(0, f"customers {TRIGGERS[campaign.trigger.type]}")
    return "; ".join(parts)


def schedule_in_words(schedule: Schedule, trigger: Trigger | None) -> str:
    """Return when the campaign runs, as a sentence."""
    first = f"From {schedule.starts}" if schedule.starts else "At once"
    last = f" until {schedule.ends}" if schedule.ends else ""
    often = "each time the trigger applies" if trigger else "once"
    if schedule.every_days:
        often = f"every {schedule.every_days} days"
    hour = f", not before {schedule.send_at:%H:%M} local time" if schedule.send_at else ""
    return f"{first}{last}, {often}{hour}; a message is valid for {schedule.valid_hours} hours."


def slots_in_words(campaign: Campaign) -> Iterator[str]:
    """Yield a sentence for each slot, the budget and the value."""
    slot, offer, budget = campaign.recommendations, campaign.offer, campaign.budget
    if slot:
        kind = {"all": "any products", "explore": "products never bought", "trigger": "the trigger's products"}
        yield f"Recommends {kind[slot.slate]}, from {slot.least} to {slot.count} per message."
    if offer:
        what = "each customer's best coupon" if offer.coupon == "best" else f"the coupon {offer.coupon}"
        yield f"Offers {what}; customers who already buy get at most {offer.max_existing_share:.0%} of the offers."
    if not slot and not offer:
        yield "No recommended products and no offer."
    limits = [f"{budget.messages:,} messages"] if budget.messages else []
    limits += [f"{budget.money:,.2f} of money"] if budget.money is not None else []
    yield f"Budget: at most {' and '.join(limits)}." if limits else "No budget limits it."


def experiment_in_words(campaign: Campaign) -> str:
    """Return how the campaign is measured, as a sentence."""
    experiment = campaign.experiment
    looks = ", ".join(map(str, experiment.looks)) or "once, four weeks after the start"
    return f"{experiment.holdout:.0%} are held out. Primary metric: {experiment.metric}. Looks: {looks}."


def _audience(audience: Audience) -> Iterator[str]:
    if audience.everybody:
        yield "everybody with scores"
    if audience.filter:
        yield f"customers with {audience.filter}"
    if audience.has_item:
        item = f"the category {audience.category}" if audience.category else ""
        item = item or (f"the coupon {audience.coupon}" if audience.coupon else f"{len(audience.products)} products")
        limits = [BUYERS[audience.buyers]] if BUYERS[audience.buyers] else []
        limits += [f"at most {audience.size:,}"] if audience.size else []
        limits += [f"with at least {audience.min_probability:.0%}"] if audience.min_probability is not None else []
        saved = f" (saved as '{audience.saved}')" if audience.saved else ""
        yield ", ".join([f"customers likely to buy {item}", *limits]) + saved
