"""The demo's campaign is whole, is copied once, and its end of `make demo` names counts, reasons and commands."""

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from console.pages.campaigns.definition.draft import written
from local.demo import campaign as module
from local.demo.campaign import FILE, ID, Trial, campaign_lines, missing_scores, prepare_campaign
from local.errors import ProcessFailedError
from marketing.campaigns.content.templates import compiled, sample_values, template_problems
from marketing.campaigns.definition.file import read_campaign
from marketing.segments.tree import parse
from settings import Settings

PLANNED = {
    "campaigns": [
        {
            "counts": {"planned": 700, "held_out": 180, "no_address": 200, "no_consent": 989},
            "decided_before": 0,
            "visible_effect_sentence": "With 700 messages …",
        }
    ]
}


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; each ends well."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command[2:])
        return subprocess.CompletedProcess(command, 0, f"a line\n{json.dumps(PLANNED)}\n", "")

    monkeypatch.setattr(module.subprocess, "run", run)
    return ran


def test_the_campaign_is_a_draft_that_can_be_launched() -> None:
    campaign = read_campaign(FILE).campaign
    assert campaign.status == "draft"
    assert campaign.trigger is None
    assert [problem for content in campaign.content for problem in template_problems(campaign, content)] == []
    for text in (campaign.audience.filter, campaign.content[0].filter):
        assert text
        assert parse(text)
    assert "demo" in campaign.content[0].text


def test_the_console_edits_the_campaign_in_seven_steps() -> None:
    text = FILE.read_text()
    assert written(tomllib.loads(text)) == text


def test_its_messages_name_no_fuel_and_no_name_that_is_cut() -> None:
    campaign = read_campaign(FILE).campaign
    names = ("product_id", "name", "category", "brand")
    rows = [
        ("1", "SFT DRNK SNGL SRV BTL CARB (EX", "SOFT DRINKS", ""),
        ("2", "GASOLINE-REG UNLEADED", "COUPON/MISC ITEMS", ""),
    ]
    for content in campaign.content:
        values = sample_values(campaign, content) | {"products": [dict(zip(names, row, strict=True)) for row in rows]}
        rendered = compiled(content).render(values)
        for part in (rendered.subject, rendered.body_text, rendered.body_html or ""):
            assert "Gasoline" not in part
            assert "(" not in part
        assert "Sft Drnk Sngl Srv Btl Carb" in rendered.body_text


def test_steps_follow_one_another_and_nothing_is_staged(commands: list[list[str]], tmp_path: Path) -> None:
    trial = prepare_campaign(Settings(data=tmp_path))
    assert commands == [
        ["outbox", "import"],
        ["ml", "recommend", "--for-campaigns"],
        ["marketing", "campaign", "plan", ID, "--dry-run"],
    ]
    assert trial.file.read_text() == FILE.read_text()


@pytest.mark.usefixtures("commands")
def test_a_file_that_a_person_changed_stays(tmp_path: Path) -> None:
    file = tmp_path / "campaigns" / FILE.name
    file.parent.mkdir()
    file.write_text("changed")
    prepare_campaign(Settings(data=tmp_path))
    assert file.read_text() == "changed"


def test_a_step_that_fails_is_named_with_its_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "error: the disk is full")

    monkeypatch.setattr(module.subprocess, "run", fail)
    with pytest.raises(ProcessFailedError, match="python -m outbox import' failed: error: the disk is full"):
        prepare_campaign(Settings(data=tmp_path))


@pytest.mark.usefixtures("commands")
def test_the_end_names_counts_reasons_and_where_mail_goes(tmp_path: Path) -> None:
    text = "\n".join(
        campaign_lines(prepare_campaign(Settings(data=tmp_path)), "http://127.0.0.1:8025", "http://127.0.0.1:3002")
    )
    assert "700 customers would get a message, 180 are held out." in text
    assert "1,189 get none: no_consent 989, no_address 200." in text
    assert "With 700 messages" in text
    assert "made for the demo" in text
    assert "http://127.0.0.1:8025" in text
    assert f"http://127.0.0.1:3002/campaigns/{ID}" in text
    for command in ("campaign plan", "quality plan", "campaign enqueue", "outbox send"):
        assert f"{command}" in text


def test_after_a_launch_nothing_is_promised_again(tmp_path: Path) -> None:
    lines = campaign_lines(Trial(tmp_path, {}, 1600, "0 messages show no effect"), "", "")
    assert any(
        "0 customers would get a message, 0 are held out; 1,600 customers were decided" in line for line in lines
    )
    assert not any("show no effect" in line for line in lines)


def test_scores_that_the_campaign_reads_and_that_are_not_published_are_named(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert missing_scores(settings) == ["predictions", "segments"]
    settings.paths.customers.mkdir(parents=True)
    (settings.paths.customers / "segments.parquet").touch()
    assert missing_scores(settings) == ["predictions"]
    (settings.paths.customers / "predictions.parquet").touch()
    assert missing_scores(settings) == []
