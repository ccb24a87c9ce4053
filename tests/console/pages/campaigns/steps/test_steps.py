"""The forms of the steps: what they save, what they refuse, and what two people at once see."""

import html
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from console.pages.campaigns.definition.draft import draft_of
from console.pages.campaigns.trial.trials import Trial, Trials
from console.web.command import Command
from marketing.audience.answer import Question
from marketing.audience.audience import Limits
from marketing.audience.question import Buyers
from marketing.audience.saved import save as save_audience
from marketing.campaigns.definition.file import read_campaign
from settings import Settings
from tests.support.console.client import log_in, open_console
from tests.support.marketing.campaign_shop import SIMPLE, write_campaign

NEW = {"id": "win-back", "goal": "g", "channel": "email", "message_class": "promotional", "purpose": "marketing"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
def client(settings: Settings):
    with open_console(settings) as client:
        log_in(client, "marketer")
        assert client.post("/campaigns/new", data=NEW).headers["location"] == "/campaigns/win-back/audience"
        yield client


def test_a_campaign_begins_with_the_filter_of_a_segment(settings: Settings, client: TestClient) -> None:
    asked = client.get("/campaigns/new", params={"filter": 'segment.value = "high"'}).text
    assert 'name="filter" value="segment.value = &#34;high&#34;"' in asked
    assert 'name="filter"' not in client.get("/campaigns/new").text
    client.post("/campaigns/new", data={**NEW, "id": "high", "filter": 'segment.value = "high"'})
    audience = read_campaign(settings.campaigns_folder / "high.toml").campaign.audience
    assert (audience.filter, audience.everybody) == ('segment.value = "high"', False)


def test_a_campaign_begins_with_a_saved_audience_and_step_2_offers_all_of_them(
    settings: Settings, client: TestClient
) -> None:
    for name in ("tea-new", "milk"):
        save_audience(settings.paths.audiences, name, Question("category", [name.upper()], Limits(Buyers.NEW)))
    assert 'name="saved" value="tea-new"' in client.get("/campaigns/new", params={"saved": "tea-new"}).text
    client.post("/campaigns/new", data={**NEW, "id": "tea", "saved": "tea-new"})
    page = client.get("/campaigns/tea/goal").text
    assert '<option value="saved:tea-new" selected>tea-new</option>' in page
    assert '<option value="saved:milk">milk</option>' in page
    assert "the category TEA-NEW, who never bought it (saved as &#39;tea-new&#39;)" in client.get("/campaigns/tea").text
    save(client, "goal", **NEW, item="saved:milk", item_names="left from before", size="7")
    audience = read_campaign(settings.campaigns_folder / "win-back.toml").campaign.audience
    assert (audience.saved, audience.category, audience.size) == ("milk", None, None)
    save(client, "goal", **NEW, item="category", item_names="TEA")
    audience = read_campaign(settings.campaigns_folder / "win-back.toml").campaign.audience
    assert (audience.saved, audience.category) == (None, "TEA")


def base_of(client: TestClient, step: str) -> str:
    found = re.search(r'name="base" value="(\w+)"', client.get(f"/campaigns/win-back/{step}").text)
    assert found
    return found[1]


def save(client: TestClient, step: str, **form: object):
    return client.post(f"/campaigns/win-back/{step}", data={"base": base_of(client, step), **form})


def test_each_step_saves_its_section_and_leads_to_the_next(settings: Settings, client: TestClient) -> None:
    rule = {"segment": ["value=high", "value=low"], "rule": "spend_8w > 20"}
    assert save(client, "audience", **rule).headers["location"] == "/campaigns/win-back/goal"
    goal = {**NEW, "goal": "Sell tea", "item": "category", "item_names": "TEA", "buyers": "new", "min_probability": "5"}
    goal |= {"trigger": "categories_due", "trigger_categories": "TEA\nMILK\n", "trigger_min_probability": "0.6"}
    goal |= {"starts": "2018-01-01", "send_at": "09:00"}
    assert save(client, "goal", **goal).headers["location"] == "/campaigns/win-back/left-out"
    offer = {"slate": "explore", "count": "4", "offer": "best", "max_existing_share": "25", "budget_money": "100.5"}
    assert save(client, "offer", **offer, times="audience").headers["location"] == "/campaigns/win-back/text"
    text = {"texts": "1", "name_0": "all", "subject_0": "Tea", "text_0": "{{ products }} {{ offer }}\r\nBye"}
    assert save(client, "text", **text).headers["location"] == "/campaigns/win-back/experiment"
    measured = {"holdout": "20", "metric": "visits", "weekly": "4"}
    assert save(client, "experiment", **measured).headers["location"] == "/campaigns/win-back/launch"

    campaign = draft_of(settings, "win-back").checked().campaign
    audience = campaign.audience
    assert audience.filter == 'segment.value in ("high", "low") and (spend_8w > 20)'
    assert (audience.category, audience.buyers, audience.min_probability) == ("TEA", "new", 0.05)
    assert not audience.everybody
    assert campaign.trigger is not None
    assert campaign.trigger.model_dump() == {
        "type": "categories_due", "categories": ("TEA", "MILK"), "min_probability": 0.6, "cooldown_days": 28,
    }  # fmt: skip
    assert campaign.recommendations is not None
    assert campaign.offer is not None
    assert (campaign.recommendations.count, campaign.offer.max_existing_share) == (4, 0.25)
    assert campaign.budget.money == 100.5
    assert campaign.content[0].text == "{{ products }} {{ offer }}\nBye"
    assert campaign.experiment.holdout == 0.2
    assert [str(look) for look in campaign.experiment.looks] == ["2018-01-08", "2018-01-15", "2018-01-22", "2018-01-29"]


def test_every_step_shows_what_was_saved(client: TestClient) -> None:
    save(client, "offer", slate="explore", count="7")
    assert 'value="7"' in client.get("/campaigns/win-back/offer").text
    save(client, "experiment", holdout="35", looks="2018-01-15, 2018-01-29")
    page = client.get("/campaigns/win-back/experiment").text
    assert 'value="35"' in page
    assert 'value="2018-01-15 2018-01-29"' in page


def test_without_any_choice_the_campaign_is_for_everybody(settings: Settings, client: TestClient) -> None:
    save(client, "goal", **NEW, item="products", item_names="p1, p2")
    assert draft_of(settings, "win-back").fields["audience"] == {"products": ["p1", "p2"]}
    save(client, "goal", **NEW)
    assert draft_of(settings, "win-back").fields["audience"] == {"everybody": True}


def test_a_wrong_value_is_named_and_stays_in_the_form(settings: Settings, client: TestClient) -> None:
    before = draft_of(settings, "win-back").text
    answer = save(client, "offer", slate="all", count="many", budget_messages="0")
    assert answer.status_code == 400
    page = html.unescape(answer.text)
    assert "recommendations.count = 'many'" in page
    assert "budget.messages = 0" in page
    assert "Line " not in page
    assert 'value="many"' in page
    assert draft_of(settings, "win-back").text == before


def test_two_consoles_at_once_the_second_is_told_and_nothing_is_overwritten(
    settings: Settings, client: TestClient
) -> None:
    base = base_of(client, "goal")
    with open_console(settings) as other:
        log_in(other, "admin").post("/campaigns/win-back/goal", data={"base": base, **NEW, "goal": "Hers"})
    answer = client.post("/campaigns/win-back/goal", data={"base": base, **NEW, "goal": "Mine"})
    assert answer.status_code == 409
    page = html.unescape(answer.text)
    assert "The user 'admin' changed the campaign 'win-back' first" in page
    assert '- goal = "Hers"' in page
    assert '+ goal = "Mine"' in page
    assert draft_of(settings, "win-back").fields["goal"] == "Hers"
    own = client.post("/campaigns/win-back/goal", data={"base": base_of(client, "goal"), **NEW, "goal": "Mine"})
    assert own.status_code == 303
    again = client.post("/campaigns/win-back/goal", data={"base": base, **NEW, "goal": "Mine in another tab"})
    assert "That is your own name" in again.text


def test_a_hand_written_file_is_edited_as_text_and_keeps_its_comments(settings: Settings, client: TestClient) -> None:
    write_campaign(settings.campaigns_folder, f"# Agreed with Ann.\n{SIMPLE}")
    page = client.get("/campaigns/simple/text").text
    assert 'edited <a href="/campaigns/simple/file">as text</a>' in page
    assert "<fieldset disabled>" in page
    copied = client.post("/campaigns/simple/copy", data={"id": "simple-copy"})
    assert copied.headers["location"] == "/campaigns/simple-copy/audience"
    copy = draft_of(settings, "simple-copy")
    assert copy.has_form
    assert (copy.fields["goal"], copy.fields["status"]) == ("Inform everybody", "draft")
    assert client.post("/campaigns/simple/copy", data={"id": "simple"}).status_code == 409
    draft = draft_of(settings, "simple")
    refused = client.post("/campaigns/simple/text", data={"base": draft.base, "texts": "0"})
    assert refused.status_code == 400
    wrong = client.post("/campaigns/simple/file", data={"base": draft.base, "text": draft.text + "\nxx = 1\n"})
    assert wrong.status_code == 400
    assert "xx is unknown" in wrong.text
    assert draft_of(settings, "simple").text == draft.text
    changed = draft.text.replace("Inform everybody", "Inform all")
    assert client.post("/campaigns/simple/file", data={"base": draft.base, "text": changed}).status_code == 303
    assert draft_of(settings, "simple").text == changed
    assert "Its 1 lines of comments are lost" in client.get("/campaigns/simple/file").text
    client.post("/campaigns/simple/file", data={"base": draft_of(settings, "simple").base, "change": "forms"})
    assert draft_of(settings, "simple").has_form


def test_a_missing_slot_is_named_where_the_text_is_written(client: TestClient) -> None:
    save(client, "offer", slate="explore")
    assert "has no slot for products" in client.get("/campaigns/win-back/text").text


def test_texts_are_added_before_the_one_for_everybody_else_and_removed(settings: Settings, client: TestClient) -> None:
    one = {"texts": "1", "name_0": "all", "subject_0": "s", "text_0": "t"}
    assert save(client, "text", **one, change="add").headers["location"] == "/campaigns/win-back/text?new=text"
    page = client.get("/campaigns/win-back/text?new=text").text
    assert 'name="name_0" value="" placeholder="best-customers"' in page
    assert 'name="filter_0" value=""' in page
    assert 'name="name_1" value="all"' in page
    assert 'data-insert="{{ unsubscribe_url }}"' in page
    assert 'data-insert="{{ offer' not in page  # this campaign has no offer
    two = {"texts": "2", **{f"{part}_0": part for part in ("name", "filter", "subject", "text")}}
    two |= {f"{part}_1": part for part in ("name", "subject", "text")}
    save(client, "text", **two, change="remove 0")
    assert [content["name"] for content in draft_of(settings, "win-back").fields["content"]] == ["name"]


def test_a_viewer_sees_the_steps_and_changes_nothing(settings: Settings, client: TestClient) -> None:
    base = base_of(client, "goal")
    with open_console(settings) as other:
        log_in(other, "viewer")
        assert "<fieldset disabled>" in other.get("/campaigns/win-back/goal").text
        for path in ("new", "win-back/goal", "win-back/file", "win-back/try", "win-back/launch", "win-back/stop"):
            assert other.post(f"/campaigns/{path}", data={"base": base, **NEW}).status_code == 403, path


def test_the_inputs_of_a_trigger_follow_its_type(client: TestClient) -> None:
    page = client.get("/campaigns/win-back/trigger?trigger=lapse_rising").text
    assert 'name="trigger_threshold" value="0.5"' in page
    assert "trigger_threshold" not in client.get("/campaigns/win-back/trigger?trigger=").text


def test_a_share_beyond_100_percent_is_named_as_the_form_shows_it(client: TestClient) -> None:
    answer = save(client, "goal", **NEW, item="category", item_names="TEA", min_probability="150")
    assert answer.status_code == 400
    assert "&#39;Probability at least&#39; is 150%. Give a number from 0% to 100%." in answer.text


def test_the_error_of_a_dry_run_is_marked_as_outdated_after_a_change(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Command("Try", "marketer", None, exit_code=1, problem="The text has a mistake.")
    for base, is_outdated in (("of an older file", True), (base_of(client, "experiment"), False)):
        monkeypatch.setattr(Trials, "find", lambda *_, base=base: Trial(failed, base))
        page = client.get("/campaigns/win-back/left-out").text
        assert "The text has a mistake." in page
        assert ("The campaign was changed since" in page) == is_outdated
