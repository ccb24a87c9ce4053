"""From a file to messages that wait: check, plan, dry run and enqueue by the commands that people and tasks run."""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import update

from marketing.__main__ import main
from outbox.customers.records import Consent, record_consents
from outbox.history import messages_since
from outbox.status import status
from outbox.store import open_store, store_url
from outbox.switches import restart_campaign, stop_campaign
from outbox.tables import messages
from settings import Settings
from tests.support.marketing.campaign_shop import NOON, SIMPLE, campaign_shop, mark_checked, write_campaign

EXAMPLE = Path("marketing/campaigns/example.toml").read_text().replace('segment.value = "high"', 'segment.value = "v1"')
AT = ("--as-of", "2018-01-01T12:00")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation that the commands use."""
    settings = campaign_shop(tmp_path / "data")
    monkeypatch.setenv("REACH_DATA", str(settings.data))
    return settings


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run a command that succeeds and return its result."""

    def command(*arguments: str) -> dict:
        assert main(["campaign", *arguments]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return command


def waiting(settings: Settings) -> list[str]:
    store = open_store(store_url(settings))
    try:
        return sorted(messages_since(store, NOON.replace(year=2017))["customer_id"].to_pylist())
    finally:
        store.close()


def test_a_plan_is_staged_then_enqueued_once(shop: Settings, run) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE)
    assert run("check", "simple")["notes"] == []
    [found] = run("plan", "simple", *AT)["campaigns"]
    assert found["counts"] == {"planned": 21, "held_out": 9}
    assert waiting(shop) == []
    mark_checked(shop, "simple")
    assert run("enqueue", "simple") == {
        "plan": f"simple-20180101T170000-{found['version'][:8]}",
        "planned": 21,
        "held_out": 9,
        "suppressed": 0,
        "existing": 0,
    }
    assert run("enqueue", "simple")["existing"] == 30
    assert len(waiting(shop)) == 21
    [again] = run("plan", "simple", *AT)["campaigns"]
    assert (again["counts"], again["decided_before"]) == ({}, 30)


def test_an_unchecked_or_broken_plan_is_not_enqueued(shop: Settings, run, capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> str:
        assert main(["campaign", "enqueue", "simple"]) == 1
        assert waiting(shop) == []
        return capsys.readouterr().err

    write_campaign(shop.campaigns_folder, SIMPLE)
    run("plan", "simple", *AT)
    assert "was not checked. Run '.venv/bin/python -m quality plan --campaign simple' first" in refused()
    file = mark_checked(shop, "simple", messages_keep_within_caps="critical", other="warning")
    assert "breaks messages_keep_within_caps, so nothing was enqueued" in refused()
    file.write_text("[")
    assert "cannot be read" in refused()
    mark_checked(shop, "simple", other="warning")
    os.utime(file, ns=(0, 0))
    assert "was staged again after its check" in refused()


def test_a_campaign_that_was_stopped_after_its_plan_is_not_enqueued(
    shop: Settings, run, capsys: pytest.CaptureFixture[str]
) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE)
    run("plan", "simple", *AT)
    mark_checked(shop, "simple")
    write_campaign(shop.campaigns_folder, SIMPLE.replace("running", "stopped"))
    assert main(["campaign", "enqueue", "simple"]) == 1
    assert "status = 'stopped'" in capsys.readouterr().err


def test_a_stopped_campaign_plans_nothing_until_a_person_lifts_the_stop(
    shop: Settings, run, capsys: pytest.CaptureFixture[str]
) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE)
    write_campaign(shop.campaigns_folder, SIMPLE.replace('"simple"', '"other"'), "other")
    run("plan", "simple", *AT)
    mark_checked(shop, "simple")
    store = open_store(store_url(shop))
    stop_campaign(store, "simple", "Harm: spend -6.1%.")
    sentence = "Campaign 'simple' is stopped and plans nothing: Harm: spend -6.1%. '.venv/bin/python -m outbox restart"
    for step in (("enqueue", "simple"), ("plan", "simple", *AT)):
        assert main(["campaign", *step]) == 1
        assert sentence in capsys.readouterr().err
    assert [one["campaign"] for one in run("plan", *AT)["campaigns"]] == ["other"]
    assert run("plan", "simple", "--dry-run", *AT)["campaigns"][0]["counts"]
    stop_campaign(store, "other", "Wrong price.")
    assert main(["campaign", "plan", *AT]) == 99
    assert "Every running campaign is stopped" in capsys.readouterr().out
    assert waiting(shop) == []

    assert restart_campaign(store, "simple")
    store.close()
    run("plan", "simple", *AT)
    mark_checked(shop, "simple")
    assert run("enqueue", "simple")["planned"] == len(waiting(shop)) > 0


def test_a_campaign_that_exceeds_its_limits_is_stopped_before_its_next_plan(shop: Settings, run) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE + "[stop]\nafter_messages = 5\n")
    write_campaign(shop.campaigns_folder, SIMPLE.replace('"simple"', '"winter"'), "winter")
    run("plan", "simple", *AT)
    mark_checked(shop, "simple")
    run("enqueue", "simple")
    store = open_store(store_url(shop))
    with store.write("send") as connection:
        connection.execute(update(messages).values({"state": "sent", "reason": "", "sending_at": NOON}))
    [first, *_] = waiting(shop)
    record_consents(store, [Consent(first, "email", "marketing", False, NOON, "unsubscribe")])

    assert [one["campaign"] for one in run("plan", *AT)["campaigns"]] == ["winter"]

    reason = status(store)["stopped_campaigns"]["simple"]["reason"]
    assert reason == "1 of 21 messages (4.8%) were followed by a withdrawn consent; stop.max_unsubscribes allows 2.0%."
    store.close()


def test_an_edited_campaign_is_a_new_version_and_the_enqueued_plan_stands(shop: Settings, run) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE)
    [first] = run("plan", "simple", *AT)["campaigns"]
    mark_checked(shop, "simple")
    run("enqueue", "simple")
    write_campaign(shop.campaigns_folder, SIMPLE.replace("Hello", "Good day").replace("holdout = 0.3", "holdout = 0.5"))
    [second] = run("plan", "simple", *AT)["campaigns"]
    assert second["version"] != first["version"]
    assert (second["counts"], second["decided_before"]) == ({}, 30)
    assert len(waiting(shop)) == 21


def test_a_dry_run_keeps_nothing_and_prints_messages_without_customers(
    shop: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write_campaign(shop.campaigns_folder, EXAMPLE, "example")
    assert main(["campaign", "plan", "example", "--dry-run", *AT]) == 0
    printed = capsys.readouterr().out
    assert "New for you: Whole Milk" in printed
    assert "Only 7 of the customers have a history" in printed
    assert not (shop.paths.plans / "example").exists()
    assert waiting(shop) == []


def test_examples_are_in_the_result_with_the_effects_of_other_hold_outs(
    shop: Settings, run, capsys: pytest.CaptureFixture[str]
) -> None:
    write_campaign(shop.campaigns_folder, EXAMPLE, "example")
    [found] = run("plan", "example", "--dry-run", "--examples", "5", *AT)["campaigns"]
    assert 2 <= len(found["examples"]) <= 5
    assert {example["content"] for example in found["examples"]} == {"high-value", "others"}
    by_content = {example["content"]: example for example in found["examples"]}
    assert by_content["high-value"]["html"].startswith("<p>")
    assert by_content["others"]["customer_id"]
    assert waiting(shop) == []
    write_campaign(shop.campaigns_folder, SIMPLE)
    [found] = run("plan", "simple", "--dry-run", "--examples", "3", *AT)["campaigns"]
    effects = found["effects_by_holdout"]
    assert [row["held_out"] for row in effects] == [2, 3, 6, 9, 15]
    assert [row["effect"] for row in effects] == sorted((row["effect"] for row in effects), reverse=True)
    assert main(["campaign", "plan", "simple", "--examples", "3"]) == 1
    assert "--examples 3 needs --dry-run" in capsys.readouterr().err


def test_a_draft_is_not_planned_for_real(shop: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE.replace("running", "draft"))
    assert main(["campaign", "plan", "simple", *AT]) == 1
    assert "simple.toml: Line 3: status = 'draft'. Write status = 'running' to launch it" in capsys.readouterr().err


def test_a_withdrawn_consent_counts_at_the_plan(shop: Settings, run) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE)
    store = open_store(store_url(shop))
    record_consents(
        store, [Consent(one, "email", "marketing", False, NOON.replace(hour=1), "made") for one in ("1", "2")]
    )
    store.close()
    [found] = run("plan", "simple", *AT)["campaigns"]
    assert found["counts"]["no_consent"] == 2
    [earlier] = run("plan", "simple", "--dry-run", "--as-of", "2017-12-31")["campaigns"]
    assert "no_consent" not in earlier["counts"]


def test_all_running_campaigns_are_planned_together(shop: Settings, run) -> None:
    """A second campaign of higher value takes every customer, because one promotion a day is allowed."""
    write_campaign(shop.campaigns_folder, SIMPLE)
    write_campaign(shop.campaigns_folder, SIMPLE.replace('"simple"', '"best"') + "[value]\namount = 9.0\n", "best")
    write_campaign(shop.campaigns_folder, SIMPLE.replace('"simple"', '"draft"').replace("running", "draft"), "draft")
    found = {one["campaign"]: one["counts"] for one in run("plan", *AT)["campaigns"]}
    assert found["simple"] == {"other_campaign": 30}
    assert set(found) == {"simple", "best"}
    [alone] = run("plan", "simple", "--dry-run", *AT)["campaigns"]
    assert alone["counts"] == {"other_campaign": 30}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"promotional"', '"promo"', "message_class = 'promo' is not in the contact policy. Allowed: lifecycle,"),
        ("everybody = true", 'filter = "lapse_9w > 1"', "Filter, character 1: "),
        ("everybody = true", 'category = "BEER"', "The category 'BEER' is age-restricted"),
        (
            "everybody = true",
            'category = "MLK"',
            "'MLK' is not a category that a customer bought from. Near names: 'MILK'",
        ),
        ("Hello", "Hello {{ name }}", "subject of content 'all' uses 'name', which is unknown here"),
    ],
)
def test_a_campaign_that_cannot_be_launched_is_refused(
    shop: Settings, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE.replace(old, new))
    for step in (("check",), ("plan", *AT)):
        assert main(["campaign", step[0], "simple", *step[1:]]) == 1
        error = capsys.readouterr().err
        assert "simple.toml: Line " in error
        assert message in error


def test_a_check_without_scores_names_what_it_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    write_campaign(tmp_path / "campaigns", SIMPLE)
    notes = run("check", "simple")["notes"]
    assert [note.partition(" were not")[0] for note in notes] == [
        "Names in filters and the audience's item",
        "Age restrictions",
    ]


def test_an_instant_that_is_none_is_refused(shop: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE)
    assert main(["campaign", "plan", "simple", "--as-of", "monday"]) == 1
    assert "--as-of monday is neither a day such as 2018-01-01" in capsys.readouterr().err


def test_without_a_running_campaign_there_is_nothing_to_do(shop: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """The hourly task is skipped, as `core.command` describes."""
    write_campaign(shop.campaigns_folder, SIMPLE.replace("running", "draft"))
    assert main(["campaign", "plan"]) == 99
    assert "so nothing is planned" in capsys.readouterr().out


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_broken_campaign_is_left_out_and_named_and_the_others_go_on(
    shop: Settings, run, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    folder = shop.campaigns_folder
    write_campaign(folder, SIMPLE)
    write_campaign(folder, SIMPLE.replace("promotional", "unknown").replace('"simple"', '"class"'), "class")
    write_campaign(folder, SIMPLE.replace('"simple"', '"lists"') + '[recommendations]\nslate = "all"\n', "lists")
    (folder / "form.toml").write_text(SIMPLE.replace("holdout = 0.3", "holdout = 3").replace('"simple"', '"form"'))
    (folder / "torn.toml").write_text("[")
    (folder / "status.toml").write_text('id = "status"\nstatus = ["running"]')
    # A person is still writing it.
    (folder / "draft.toml").write_text('id = "draft"\nstatus = "draft"')

    found = run("plan", *options, *AT)
    assert [one["campaign"] for one in found["campaigns"]] == ["simple"]
    left_out = {one["campaign"]: one["problem"] for one in found["left_out"]}
    assert set(left_out) == {"class", "form", "torn", "lists", "status"}
    assert "form.toml: Line 14: experiment.holdout = 3" in left_out["form"]
    assert "class.toml: Line 5: message_class = 'unknown'" in left_out["class"]
    assert main(["campaign", "plan", "simple", *options, *AT]) == 0
    assert "Campaign 'form' is left out, the others go on: form.toml: Line 14" in capsys.readouterr().out

    (folder / "simple.toml").unlink()
    assert main(["campaign", "plan", *options, *AT]) == 1
    assert "None of the running campaigns can be planned. form.toml: Line 14" in capsys.readouterr().err
