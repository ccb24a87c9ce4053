"""A replay of past weeks counts the messages of the weeks before, and reads nothing that was known later."""

import json
from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from marketing.__main__ import main
from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.plan.plan import Request
from marketing.campaigns.plan.replay import Known, Replayed, lines, replay
from settings import Settings
from tests.support.marketing.campaign_shop import AS_OF, NOON, SIMPLE, campaign_shop, mark_checked, write_campaign
from tests.support.marketing.plan_requests import POLICY, SECRET, campaign, contacts, ids, request

WEEKS = [NOON - timedelta(weeks=back) for back in (3, 2, 1, 0)]


def replayed(
    every: timedelta, first: datetime = WEEKS[0], values: dict[str, float] | None = None
) -> dict[str, Replayed]:
    """Campaigns that want every customer again and again, one message a week being allowed."""

    def asked(file: CampaignFile, decided: pa.Table, as_of: datetime) -> Request:
        if as_of < first:
            raise CampaignError("It has not started.")
        value = (values or {}).get(file.campaign.id, 1.0)
        return request(file, ids(4), [value] * 4, decided=decided)

    known = Known(asked, lambda as_of: contacts(ids(4)), lambda as_of: AS_OF)
    instants = [WEEKS[0] + number * every for number in range(4)]
    return replay([campaign(name) for name in values or {"one": 1.0}], instants, known, POLICY, SECRET)


def counts(found: Replayed) -> list[dict[str, int]]:
    return [dict(week.counts) for week in found.weeks]


def test_messages_of_earlier_weeks_use_up_the_caps() -> None:
    assert counts(replayed(timedelta(weeks=1))["one"]) == [{"planned": 4}] * 4
    half = replayed(timedelta(days=3))["one"]
    assert counts(half) == [{"planned": 4}, {"frequency_cap": 4}, {"frequency_cap": 4}, {"planned": 4}]
    assert dict(half.messages_per_customer) == {2: 4}


def test_campaigns_compete_in_each_week() -> None:
    found = replayed(timedelta(weeks=1), values={"one": 1.0, "two": 2.0})
    assert counts(found["one"]) == [{"other_campaign": 4}] * 4
    assert counts(found["two"]) == [{"planned": 4}] * 4


def test_a_week_that_cannot_be_planned_is_noted_and_the_others_go_on() -> None:
    found = replayed(timedelta(weeks=1), first=WEEKS[2])["one"]
    assert counts(found) == [{}, {}, {"planned": 4}, {"planned": 4}]
    printed = list(lines("one", found))
    assert "It has not started." in printed[2]
    assert printed[-2] == "1 of the weeks used scores of a later day, because no earlier ones are kept."
    assert printed[-1] == "4 customers would have received 2"


def test_the_command_prints_past_weeks_and_keeps_nothing(shop: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    text = SIMPLE + "[schedule]\nstarts = 2017-12-20\nevery_days = 7\n"
    write_campaign(shop.campaigns_folder, text)
    assert main(["campaign", "plan", "simple", "--dry-run", "--weeks", "3", "--as-of", "2018-01-01T12:00"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert json.loads(printed[-1])["simple"][0]["as_of"] == "2017-12-18T17:00:00"
    assert "The campaign did not run on this day." in printed[2]
    assert [line.split()[:3] for line in printed[3:5]] == [
        ["2017-12-25", "2017-12-25", "21"],
        ["2018-01-01", "2018-01-01", "21"],
    ]
    assert printed[5] == "21 customers would have received 2"
    assert not (shop.paths.plans / "simple").exists()


def test_a_past_week_does_not_count_messages_that_were_sent_later(
    shop: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = shop.data / "policy.toml"
    policy.write_text("[classes.promotional]\ncaps = [{ messages = 1, days = 7 }]\n")
    monkeypatch.setenv("REACH_CONTACT_POLICY", str(policy))
    write_campaign(shop.campaigns_folder, SIMPLE)
    assert main(["campaign", "plan", "simple", "--as-of", "2018-01-01T12:00"]) == 0
    mark_checked(shop, "simple")
    assert main(["campaign", "enqueue", "simple"]) == 0
    write_campaign(shop.campaigns_folder, SIMPLE.replace('"simple"', '"other"'), "other")
    options = ["--dry-run", "--weeks", "1", "--as-of", "2017-12-30T12:00"]
    assert main(["campaign", "plan", "other", *options]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(result) == ["other"]
    assert "frequency_cap" not in result["other"][0]


@pytest.mark.parametrize("options", [["--weeks", "3"], ["--dry-run", "--weeks", "0"]])
def test_weeks_need_a_dry_run_and_a_number(
    shop: Settings, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    write_campaign(shop.campaigns_folder, SIMPLE)
    assert main(["campaign", "plan", "simple", *options]) == 1
    assert "needs --dry-run, and a number from 1 to 104" in capsys.readouterr().err


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation that the commands use."""
    settings = campaign_shop(tmp_path_factory.mktemp("replay") / "data")
    monkeypatch.setenv("REACH_DATA", str(settings.data))
    return settings
