"""Compile and check the templates of a campaign: sandboxed Jinja2 that refuses unknown names and escapes HTML."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from marketing.campaigns.definition.campaign import Campaign, Content
from outbox.plan import MESSAGE_ID, UNSUBSCRIBE_URL
from outbox.plan import Content as Rendered

PRODUCTS, OFFER, DUE, SEGMENT, UNSUBSCRIBE, MESSAGE, CAMPAIGN = (
    "products", "offer", "category", "segment", "unsubscribe_url", "message_id", "campaign",
)  # fmt: skip
AT_SENDING: Mapping[str, str] = {UNSUBSCRIBE: UNSUBSCRIBE_URL, MESSAGE: MESSAGE_ID}
"""Names whose values the sender fills in, in the bodies only, with what stands for them until then."""

PRODUCT_FIELDS = ("product_id", "name", "category", "brand")
OFFER_FIELDS = ("coupon_id", "face_value", "is_new")
CAMPAIGN_FIELDS = ("id", "goal")
FIELDS: Mapping[str, tuple[str, ...]] = {PRODUCTS: PRODUCT_FIELDS, OFFER: OFFER_FIELDS, CAMPAIGN: CAMPAIGN_FIELDS}
PARTS = ("subject", "text", "html")

SAMPLE_PRODUCT = dict(zip(PRODUCT_FIELDS, ("p1", "A product", "A category", "A brand"), strict=True))
SAMPLE_OFFER = dict(zip(OFFER_FIELDS, ("c1", 1.0, True), strict=True))

_HTML = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
_TEXT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)

for _environment in (_HTML, _TEXT):
    _environment.globals = {"range": _environment.globals["range"]}


@dataclass(frozen=True)
class Templates:
    """The compiled templates of one content."""

    subject: Template
    text: Template
    html: Template | None

    def render(self, values: Mapping[str, Any]) -> Rendered:
        """Return the message of one customer.

        Raises:
            TemplateError: a value is missing or cannot be used. Other errors of the values' operations are raised, too.
        """
        return Rendered(
            " ".join(self.subject.render(values).split()),
            self.text.render(values),
            self.html.render(values) if self.html else None,
        )


def compiled(content: Content) -> Templates:
    """Compile the templates of one content.

    Raises:
        TemplateError: a template has a syntax error.
    """
    html = _HTML.from_string(content.html) if content.html else None
    return Templates(_TEXT.from_string(content.subject), _TEXT.from_string(content.text), html)


def names_of(campaign: Campaign) -> tuple[str, ...]:
    """Return the names that the templates of a campaign may use."""
    names = [SEGMENT, CAMPAIGN, *AT_SENDING]
    names += [PRODUCTS] if campaign.recommendations else []
    names += [OFFER] if campaign.offer else []
    names += [DUE] if campaign.trigger and campaign.trigger.type == "categories_due" else []
    return tuple(sorted(names))


def sample_values(campaign: Campaign, content: Content) -> dict[str, Any]:
    """Return values such as a customer has, for a trial and for the check."""
    values: dict[str, Any] = {
        SEGMENT: content.name,
        **AT_SENDING,
        CAMPAIGN: {"id": campaign.id, "goal": campaign.goal},
        PRODUCTS: [SAMPLE_PRODUCT] * (campaign.recommendations.least if campaign.recommendations else 0),
        OFFER: SAMPLE_OFFER,
        DUE: "A CATEGORY",
    }
    return {name: values[name] for name in names_of(campaign)}


def template_problems(campaign: Campaign, content: Content) -> Iterator[tuple[str, str]]:
    """Yield a field and a sentence for every reason why a content cannot be launched."""
    sources = {part: source for part in PARTS if (source := getattr(content, part))}
    used: dict[str, set[str]] = {}
    for part, source in sources.items():
        try:
            tree = _TEXT.parse(source)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            yield part, f"is not a template: {error}" + (f" (line {line} of the template)." if line else ".")
            continue
        allowed = [name for name in names_of(campaign) if part != "subject" or name not in AT_SENDING]
        used[part], problems = _names(tree), list(_unknown(tree, allowed))
        yield from ((part, problem) for problem in problems)
        if not problems:
            yield from ((part, problem) for problem in _trial(campaign, content, part, source))
    for slot, section in ((PRODUCTS, campaign.recommendations), (OFFER, campaign.offer)):
        if section is None:
            continue
        for part in ("text", "html"):
            if part in used and slot not in used[part]:
                yield part, f"has no slot for {slot}, which the campaign fills. Write {{{{ {slot} … }}}} where it goes."


def _trial(campaign: Campaign, content: Content, part: str, source: str) -> Iterator[str]:
    environment = _HTML if part == "html" else _TEXT
    try:
        environment.from_string(source).render(sample_values(campaign, content))
    except Exception as error:
        yield f"cannot be rendered with sample values: {error}."


def _names(tree: nodes.Template) -> set[str]:
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}


def _unknown(tree: nodes.Template, allowed: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each name and each field that no customer has, in branches that a trial misses as well."""
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")} | {"loop", "range"}
    own |= {macro.name for macro in tree.find_all(nodes.Macro)}
    for name in sorted(_names(tree) - own - set(allowed)):
        yield f"uses '{name}', which is unknown here. Allowed: {', '.join(allowed)}."
    fields = dict(FIELDS) | {
        loop.target.name: PRODUCT_FIELDS
        for loop in tree.find_all(nodes.For)
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name) and loop.iter.name == PRODUCTS
    }
    del fields[PRODUCTS]
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        if isinstance(node, nodes.Getattr):
            owner, field = node.node, node.attr
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            owner, field = node.node, str(node.arg.value)
        else:
            continue
        if isinstance(owner, nodes.Name) and field not in fields.get(owner.name, (field,)):
            yield f"uses '{owner.name}.{field}', which is unknown. Fields: {', '.join(fields[owner.name])}."
