"""Messages are rendered for both arms; a template that fails for one customer sets that customer aside, and goes on."""

import pyarrow as pa
import pytest

from core.restricted import Restricted
from marketing.campaigns.content import rendering
from marketing.campaigns.content.rendering import MESSAGES, Renderer
from marketing.campaigns.plan.plan import plan_campaigns
from marketing.campaigns.policy.restricted import COLUMNS, Products
from tests.support.marketing.campaign_shop import NOON
from tests.support.marketing.plan_requests import POLICY, SECRET, campaign, contacts, ids, request

NAMES = {"p1": "Tea", "p2": None}
TABLE = pa.table(
    {
        name: [{"product_id": product, "product_name": NAMES[product]}.get(name) for product in NAMES]
        for name in COLUMNS
    },
    schema=pa.schema([(name, pa.string()) for name in COLUMNS]),
)
PRODUCTS = Products(TABLE, frozenset(), frozenset(), Restricted())


def rendered(text: str, products: list[list[str]], holdout: float = 0.0) -> tuple[list[dict[str, object]], Renderer]:
    content = [
        {"name": "all", "subject": "{{ products[0].name }}", "text": text, "html": "<p>{{ products[0].name }}</p>"}
    ]
    file = campaign(recommendations={}, content=content, experiment={"holdout": holdout})
    customers = ids(len(products))
    [planned] = plan_campaigns(
        [request(file, customers, product_ids=pa.array(products))], contacts(customers), POLICY, NOON, SECRET
    )
    renderer = Renderer(planned, PRODUCTS)
    chunks = list(renderer.chunks())
    assert all(chunk.schema == MESSAGES for chunk in chunks)
    return [row for chunk in chunks for row in chunk.to_pylist()], renderer


def test_each_message_has_the_customers_own_products() -> None:
    rows, _ = rendered("{{ products[0].name }}", [["p1"], ["p2"]])
    assert [row["subject"] for row in rows] == ["Tea", "p2"]
    assert [row["body_html"] for row in rows] == ["<p>Tea</p>", "<p>p2</p>"]


def test_one_failing_customer_is_set_aside_and_the_rest_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    rows, renderer = rendered("{{ products[1].name }}", [["p1"], ["p1", "p2"], ["p2"]])
    assert [(row["outcome"], row["reason"]) for row in rows] == [
        ("suppressed", "template_failed"), ("planned", ""), ("suppressed", "template_failed"),
    ]  # fmt: skip
    assert (rows[0]["variant"], rows[0]["propensity"], rows[0]["body_text"]) == ("none", 1.0, None)
    assert renderer.failures.count == 2
    assert "2 customers are set aside" in caplog.text
    assert "c00" not in caplog.text


def test_a_failure_sets_customers_of_the_hold_out_aside_as_well_and_their_messages_are_not_kept() -> None:
    products = [["p1", "p2"] if number % 2 else ["p1"] for number in range(40)]
    rows, _ = rendered("{{ products[1].name }}", products, holdout=0.5)
    assert [row["reason"] == "template_failed" for row in rows] == [len(found) == 1 for found in products]
    held = [row for row in rows if row["outcome"] == "held_out"]
    assert held
    assert {(row["subject"], row["content"], tuple(row["product_ids"])) for row in held} == {
        (None, "all", ("p1", "p2"))
    }


def test_chunks_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "CHUNK", 2)
    rows, _ = rendered("{{ products[0].name }}", [["p1"]] * 5)
    assert [row["customer_id"] for row in rows] == ids(5)
