"""Step 5: the message for each segment."""

from typing import Any

from starlette.datastructures import FormData

from console.pages.campaigns.steps.forms import Fields, number, text
from console.pages.campaigns.steps.segment_filter import filter_fault, published_segments
from console.pages.campaigns.steps.step import Step
from marketing.campaigns.content.templates import (
    CAMPAIGN,
    DUE,
    MESSAGE,
    OFFER,
    PRODUCTS,
    SEGMENT,
    UNSUBSCRIBE,
    names_of,
    template_problems,
)  # fmt: skip
from marketing.campaigns.definition.campaign import Campaign
from marketing.errors import MarketingError
from settings import Settings

NEW_TEXT = "Hello,\n\n\n\nNo more of these messages: {{ unsubscribe_url }}\n"
MAX_TEXTS = 20
INSERTS = {
    PRODUCTS: (
        "{% for product in products %}\n* {{ product.name }}\n{% endfor %}\n",
        "the list of recommended products",
    ),
    OFFER: ("{{ offer.coupon_id }}", "the coupon; offer.face_value is its worth"),
    DUE: ("{{ category }}", "the category that is due"),
    SEGMENT: ("{{ segment }}", "the name of this text"),
    CAMPAIGN: ("{{ campaign.goal }}", "the goal; campaign.id is the id"),
    UNSUBSCRIBE: ("{{ unsubscribe_url }}", "the link that ends these messages; not in the subject"),
    MESSAGE: ("{{ message_id }}", "the message's id, for links that count clicks; not in the subject"),
}
"""The text that a button inserts, and its meaning, by a name that templates may use."""


def _apply(fields: Fields, form: FormData) -> None:
    count = number(form, "texts")
    contents = [_content(form, index) for index in range(min(count, MAX_TEXTS) if isinstance(count, int) else 0)]
    change = text(form, "change")
    if change.startswith("remove "):
        contents = [content for index, content in enumerate(contents) if change != f"remove {index}"]
    fields["content"] = contents


def with_new_text(fields: Fields) -> Fields:
    """Return the fields with one more text, which a person has to fill in before it can be saved.

    A text without a rule is for everybody who is left, so it stays the last.
    """
    contents = list(fields.get("content") or [])
    is_open = bool(contents) and "filter" not in contents[-1]
    contents.insert(len(contents) - is_open, {"name": "", "filter": "", "subject": "", "text": NEW_TEXT})
    return fields | {"content": contents}


def _content(form: FormData, index: int) -> Fields:
    found: Fields = {name: text(form, f"{name}_{index}") for name in ("name", "filter", "subject")}
    for part in ("text", "html"):
        written = text(form, f"{part}_{index}")
        found[part] = f"{written}\n" if written else ""
    return {name: value for name, value in found.items() if value or name in ("name", "subject", "text")}


def _context(settings: Settings, fields: Fields) -> dict[str, Any]:
    # A text that was added has no name yet.
    named = [content for content in fields.get("content") or [] if content.get("name")]
    try:
        campaign = Campaign.model_validate(fields | {"content": named})
    except ValueError:
        campaign = None
    problems = [] if campaign is None else [
        f"The {part} of '{content.name}' {problem}"
        for content in campaign.content
        for part, problem in template_problems(campaign, content)
    ]  # fmt: skip
    try:
        segments = published_segments(settings.paths.customers)
    except MarketingError:
        segments = []
    return {
        "inserts": [(name, *INSERTS[name]) for name in (names_of(campaign) if campaign else ())],
        "template_problems": problems,
        "filters": [f'segment.{one.axis} = "{one.name}"' for one in segments],
    }


def _faults(settings: Settings, fields: Fields) -> list[str]:
    rules = [(str(one.get("name")), one.get("filter")) for one in fields.get("content") or []]
    found = [(name, filter_fault(settings.paths.customers, rule)) for name, rule in rules if rule]
    return [f"The rule of the text '{name}': {fault}" for name, fault in found if fault]


STEP = Step("text", "Text", _apply, _context, _faults)
