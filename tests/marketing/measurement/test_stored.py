"""Campaigns are measured from what the outbox keeps, as their first plan announced."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from marketing.__main__ import main
from marketing.measurement.arms import COLUMNS
from marketing.measurement.errors import MeasurementError
from marketing.measurement.stored import stored_campaign, stored_campaigns
from outbox.plan import Decision
from outbox.planning import enqueue
from outbox.store import Store, open_store, store_url
from settings import Settings
from tests.support.marketing.measured_campaign import DECIDED_AT, LOOKS, drawn, write_admission
from tests.support.outbox.plans import MESSAGE, a_plan, held_out, planned

SHARES = {"holdout": 0.4, "message": 0.6}
EXPERIMENT = {"holdout": 0.4, "metric": "spend", "looks": [look.isoformat() for look in LOOKS]}
AT = DECIDED_AT.item()


def decisions(campaign_id: str, variants: np.ndarray) -> list[Decision]:
    message = replace(MESSAGE, not_before=AT, not_after=AT + timedelta(days=2))
    changed = {"occurrence": f"campaign:{campaign_id}"}
    return [
        held_out(f"c{number:04}", variant="holdout", propensity=0.4, **changed)
        if variant == "holdout"
        else planned(f"c{number:04}", message, variant="message", propensity=0.6, **changed)
        for number, variant in enumerate(variants)
    ]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    return Settings()


@pytest.fixture
def store(settings: Settings):
    found = open_store(store_url(settings))
    yield found
    found.close()


def keep(store: Store, campaign_id: str, variants: np.ndarray, experiment: dict, number: int = 1) -> None:
    changed = {"plan_id": f"{campaign_id}-{number}", "campaign_version": str(number)}
    at = AT + timedelta(days=number - 1)
    plan = a_plan(decisions(campaign_id, variants), campaign_id=campaign_id, planned_at=at, as_of=at, **changed)
    enqueue(store, replace(plan, definition={"experiment": experiment}))


def test_a_campaign_of_the_outbox_is_measured(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = drawn(SHARES)
    write_admission(settings.data, variants, 0.2)
    keep(store, "spring", variants, EXPERIMENT)
    assert main(["measure"]) == 0
    printed = capsys.readouterr().out
    result = json.loads(printed.splitlines()[-1])["spring"]
    assert result == json.loads((settings.paths.campaign_results / "spring.json").read_text())
    assert result["metrics"]["spend"]["outcome"] == "effect"
    assert result["looks"] == [look.isoformat() for look in LOOKS]
    assert result["counts"] == {name: int((variants == name).sum()) for name in SHARES}


def test_an_edit_after_the_start_changes_no_announcement(settings: Settings, store: Store) -> None:
    variants = drawn(SHARES)[:50]
    keep(store, "spring", variants, EXPERIMENT)
    keep(store, "spring", variants, EXPERIMENT | {"metric": "visits"}, number=2)
    found = stored_campaign(store, "spring")
    assert found.was_changed
    assert (found.announcement.metric, found.announcement.looks) == ("spend", LOOKS)
    assert found.decisions.column_names == list(COLUMNS)
    assert len(found.decisions) == 50
    assert found.decisions["is_holdout"].to_pylist() == (variants == "holdout").tolist()


def test_one_campaign_that_cannot_be_measured_does_not_stop_the_others(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = drawn(SHARES)
    write_admission(settings.data, variants, 0.0)
    keep(store, "autumn", variants, EXPERIMENT | {"metric": "clicks"})
    keep(store, "spring", variants, EXPERIMENT)
    assert stored_campaigns(store) == ["autumn", "spring"]
    assert main(["measure"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "cannot be measured from purchases" in found["autumn"]["error"]
    assert found["spring"]["metrics"]["spend"]["outcome"] == "nothing visible"
    assert main(["measure", "autumn"]) == 1


def test_an_empty_outbox_is_nothing_to_do(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure"]) == 99
    assert "The outbox has no campaign." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spring"], "no plan of campaign 'spring'"),
        (["spring", "--metric", "visits"], "--metric and --looks go with --decisions"),
        (["--decisions", "d.parquet"], "name the campaign, too"),
        (["../spring", "--decisions", "d.parquet"], "'../spring' is not a campaign's id"),
    ],
)
def test_a_question_that_cannot_be_answered_names_the_next_step(
    settings: Settings, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["measure", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_campaign_is_named(store: Store) -> None:
    with pytest.raises(MeasurementError, match="no plan of campaign 'winter'"):
        stored_campaign(store, "winter")
