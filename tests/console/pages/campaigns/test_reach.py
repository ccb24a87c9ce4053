"""The forecast of step 2 is the campaign's: its own customers, of the first step's rule and the item's audience."""

import html

from starlette.testclient import TestClient

from marketing.audience.answer import Question
from marketing.audience.audience import Limits
from marketing.audience.question import Buyers
from marketing.audience.saved import save
from settings import Settings
from tests.support.marketing.campaign_shop import SIMPLE, write_campaign

MILK = {"item": "category", "item_names": "MILK"}


def reach(client: TestClient, settings: Settings, rule: str = "", **form: str) -> str:
    everybody = f"filter = '{rule}'" if rule else "everybody = true"
    write_campaign(settings.campaigns_folder, SIMPLE.replace("everybody = true", everybody))
    return html.unescape(client.get("/campaigns/simple/reach", params=form).text)


def test_without_a_size_all_customers_of_the_audience_are_forecast(settings: Settings, client: TestClient) -> None:
    page = reach(client, settings, **MILK)
    assert "The campaign chooses <b>30 customers</b> for the category 'MILK'." in page
    assert "4 bought it before, 26 never did" in page
    assert "svg" in page
    assert "Left out" not in page
    assert "<b>5 customers</b>" in reach(client, settings, **MILK, size="5")
    assert "<b>26 customers</b>" in reach(client, settings, **MILK, buyers="new")
    assert "Name a category" in reach(client, settings, item="category")


def test_the_rule_of_the_first_step_counts(settings: Settings, client: TestClient) -> None:
    page = reach(client, settings, 'segment.value = "v0"', **MILK)
    assert "<b>10 customers</b> for the category 'MILK', by the rule of step 1" in page
    assert "Left out: 20 because of the rule of step 1" in page
    assert "Known: 'v0', 'v1', 'v2'" in reach(client, settings, 'segment.value = "v9"', **MILK)


def test_a_saved_audience_brings_its_own_question(settings: Settings, client: TestClient) -> None:
    save(settings.paths.audiences, "milk", Question("product", ["p2"], Limits(Buyers.PAST, 2)))
    page = reach(client, settings, item="saved:milk", buyers="new")
    assert "<b>2 customers</b> for" in page
    assert "2 bought it before, 0 never did" in page
    assert "No audience is saved as 'tea'. Saved: 'milk'" in reach(client, settings, item="saved:tea")


def test_a_limit_that_is_no_number_is_named(settings: Settings, client: TestClient) -> None:
    assert "are numbers, or empty" in reach(client, settings, **MILK, size="many")


def test_names_are_suggested_for_the_item(settings: Settings, client: TestClient) -> None:
    write_campaign(settings.campaigns_folder, SIMPLE)
    assert 'list="items"' in client.get("/campaigns/simple/goal").text
    assert '<option value="MILK">' in client.get("/campaigns/simple/items", params=MILK | {"item_names": "mi"}).text
    assert '<option value="p2">' in client.get("/campaigns/simple/items?item=products&item_names=whole").text
