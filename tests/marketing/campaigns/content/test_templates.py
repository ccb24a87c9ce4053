"""Templates: a missing slot or an unknown name cannot launch, HTML is escaped, and a template reaches nothing else."""

import pytest
from jinja2 import TemplateError

from marketing.campaigns.content.templates import compiled, sample_values, template_problems
from marketing.campaigns.definition.campaign import Campaign

FULL = "{% for product in products %}{{ product.name }}{% endfor %} {{ offer.coupon_id }}"


def campaign(**content: str) -> Campaign:
    return Campaign.model_validate({
        "id": "c", "goal": "g", "message_class": "promotional", "purpose": "marketing", "audience": {"everybody": True},
        "recommendations": {"count": 2}, "offer": {},
        "content": [{"name": "all", "subject": "s", "text": FULL} | content],
    })  # fmt: skip


def problems(**content: str) -> list[str]:
    found = campaign(**content)
    return [f"{part} {message}" for part, message in template_problems(found, found.content[0])]


def test_a_whole_template_has_no_problem() -> None:
    assert problems(html=FULL, subject="For you: {{ products[0].name }}") == []
    assert problems(text=FULL + "https://shop.example/p?m={{ message_id }} {{ unsubscribe_url }}") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"text": "{{ offer.coupon_id }}"}, "text has no slot for products"),
        ({"html": "{{ products[0].name }}"}, "html has no slot for offer"),
        (
            {"subject": "{{ first_name }}"},
            "subject uses 'first_name', which is unknown here. Allowed: campaign, offer,",
        ),
        ({"subject": "{{ message_id }}"}, "subject uses 'message_id', which is unknown here"),
        ({"text": FULL + "{{ category }}"}, "text uses 'category', which is unknown here"),
        (
            {"text": FULL + "{% if offer.is_new %}{{ offer.prize }}{% endif %}"},
            "text uses 'offer.prize', which is unknown",
        ),
        ({"text": FULL + "{% for p in products %}{% if false %}{{ p['cost'] }}{% endif %}{% endfor %}"}, "'p.cost'"),
        ({"text": FULL + "{% for"}, "text is not a template"),
        ({"text": FULL + "{{ 1 / 0 }}"}, "text cannot be rendered with sample values: division by zero"),
        ({"text": FULL + "{{ products.__class__.__mro__ }}"}, "text cannot be rendered with sample values"),
        ({"text": FULL + "{{ products[7].name }}"}, "text cannot be rendered with sample values"),
    ],
)
def test_a_faulty_template_is_named(content: dict[str, str], message: str) -> None:
    found = problems(**content)
    assert any(message in problem for problem in found), found


def test_html_is_escaped_and_the_subject_is_one_line() -> None:
    found = campaign(html="<b>{{ products[0].name }}</b>{{ offer.coupon_id }}", subject="{{ products[0].name }}\n x")
    values = sample_values(found, found.content[0])
    values["products"] = [{"name": "<script>\r\nBcc: all@example.invalid"}] * 2
    rendered = compiled(found.content[0]).render(values)
    assert rendered.body_html is not None
    assert rendered.body_html.startswith("<b>&lt;script&gt;")
    assert rendered.subject == "<script> Bcc: all@example.invalid x"


def test_a_value_that_is_missing_is_an_error() -> None:
    found = campaign()
    with pytest.raises(TemplateError, match="'offer' is undefined"):
        compiled(found.content[0]).render({"products": []})
