"""Check a campaign beyond its file's form: names of the policy, templates, filters, items and age restrictions."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from customer_scores.errors import ScoresError as PublishedScoresError
from marketing.campaigns.content.templates import template_problems
from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.errors import CampaignError, DefinitionError
from marketing.campaigns.plan.sources import Sources
from marketing.campaigns.policy.contact_policy import PolicyFile
from marketing.campaigns.targets.targets import items_of
from marketing.campaigns.triggers.definitions import CategoriesDue
from marketing.errors import AudienceError, ScoresError
from marketing.segments import FilterError, compile_filter, open_scores, read_vocabulary
from marketing.segments.tree import parse

Problem = tuple[tuple[str | int, ...], str]
"""Where a value is written, and what is wrong with it."""


def check_campaign(file: CampaignFile, sources: Sources) -> list[str]:
    """Check everything that can be checked before a plan.

    Returns:
        Sentences about what could not be checked yet.

    Raises:
        DefinitionError: the campaign cannot be launched; the message names each problem with its line.
    """
    campaign, notes = file.campaign, []
    problems = [*_policy_problems(campaign, sources.policy_file), *_content_problems(campaign)]
    try:
        problems += _filter_problems(campaign, sources.scores)
        problems += _item_problems(campaign, sources)
    except (ScoresError, PublishedScoresError) as error:
        problems += _syntax_problems(campaign)
        notes.append(f"Names in filters and the audience's item were not checked: {error}")
    try:
        problems += _restricted_problems(campaign, sources)
    except CampaignError as error:
        notes.append(f"Age restrictions were not checked: {error}")
    if problems:
        raise DefinitionError(file.path.name, [file.error(path, message) for path, message in problems])
    return notes


def _policy_problems(campaign: Campaign, policy: PolicyFile) -> Iterator[Problem]:
    known: dict[str, Collection[str]] = {
        "channel": policy.channels,
        "message_class": policy.classes,
        "purpose": policy.purposes,
    }
    for field, names in known.items():
        value = getattr(campaign, field)
        if value not in names:
            yield (field,), f"{field} = '{value}' is not in the contact policy. Allowed: {', '.join(sorted(names))}."


def _content_problems(campaign: Campaign) -> Iterator[Problem]:
    for number, content in enumerate(campaign.content):
        for part, message in template_problems(campaign, content):
            yield ("content", number, part), f"{part} of content '{content.name}' {message}"


def _filters(campaign: Campaign) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if campaign.audience.filter is not None:
        yield ("audience", "filter"), campaign.audience.filter
    for number, content in enumerate(campaign.content):
        if content.filter is not None:
            yield ("content", number, "filter"), content.filter


def _syntax_problems(campaign: Campaign) -> Iterator[Problem]:
    for path, text in _filters(campaign):
        try:
            parse(text)
        except FilterError as error:
            yield path, str(error)


def _filter_problems(campaign: Campaign, scores: Path) -> list[Problem]:
    problems: list[Problem] = []
    with open_scores(scores) as connection:
        vocabulary = read_vocabulary(connection)
        for path, text in _filters(campaign):
            try:
                compile_filter(text, vocabulary)
            except FilterError as error:
                problems.append((path, str(error)))
    return problems


def _item_problems(campaign: Campaign, sources: Sources) -> list[Problem]:
    audience = campaign.audience
    if not audience.has_item:
        return []
    try:
        items_of(audience, sources.index, sources.coupons)
    except AudienceError as error:
        return [(("audience", _item_field(campaign)), str(error))]
    return []


def _restricted_problems(campaign: Campaign, sources: Sources) -> Iterator[Problem]:
    """Yield the age-restricted items that a campaign names itself."""
    audience, products, trigger = campaign.audience, sources.products, campaign.trigger
    field = _item_field(campaign) if audience.has_item else ""
    advice = "is age-restricted by the contact policy, so no message may name it"
    if audience.category and products.bars_category(audience.category):
        yield ("audience", field), f"The category '{audience.category}' {advice}."
    for product in sorted(set(audience.products) & products.restricted):
        yield ("audience", field), f"The product '{product}' {advice}."
    for path, coupon in ((("audience", field), audience.coupon), (("offer", "coupon"), _fixed_coupon(campaign))):
        if coupon in sources.restricted_coupons:
            yield path, f"The coupon '{coupon}' is good for a product that {advice}."
    if isinstance(trigger, CategoriesDue):
        for name in trigger.categories:
            if products.bars_category(name):
                yield ("trigger", "categories"), f"The category '{name}' {advice}."
    if (fixed := _fixed_coupon(campaign)) and sources.coupons.exists():
        known = set(pq.read_table(sources.coupons, columns=["coupon_id"])["coupon_id"].to_pylist())
        if fixed not in known:
            yield ("offer", "coupon"), f"The coupon '{fixed}' is unknown. Write the id of a coupon, or 'best'."


def _fixed_coupon(campaign: Campaign) -> str | None:
    return campaign.offer.coupon if campaign.offer and campaign.offer.coupon != "best" else None


def _item_field(campaign: Campaign) -> str:
    return next(name for name in ("saved", "category", "products", "coupon") if getattr(campaign.audience, name))
