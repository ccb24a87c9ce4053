"""Harm at an announced look stops a campaign, once for each look, unless its file forbids it."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from marketing.__main__ import main
from outbox.planning import enqueue
from outbox.store import Store, open_store, store_url
from outbox.switches import restart_campaign, stopped_campaigns
from settings import Settings
from tests.marketing.measurement.test_stored import AT, EXPERIMENT, SHARES, decisions
from tests.support.marketing.measured_campaign import LOOKS, drawn, write_admission, write_manifest
from tests.support.outbox.plans import a_plan
from tests.support.outbox.rows import states

BETWEEN = date(2017, 10, 20)
"""A day after the first look and before the second."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    return Settings()


@pytest.fixture
def store(settings: Settings):
    found = open_store(store_url(settings))
    yield found
    found.close()


def shop(settings: Settings, store: Store, lift: float, on_harm: bool = True) -> None:
    """Enqueue campaign spring and admit purchases until a day between the looks."""
    variants: np.ndarray = drawn(SHARES)
    write_admission(settings.data, variants, lift)
    write_manifest(settings.data, BETWEEN)
    plan = a_plan(decisions("spring", variants), campaign_id="spring", planned_at=AT, as_of=AT)
    enqueue(store, replace(plan, definition={"experiment": EXPERIMENT, "stop": {"on_harm": on_harm}}))


def result(settings: Settings) -> dict:
    assert main(["measure", "spring"]) == 0
    found: dict = json.loads((settings.paths.campaign_results / "spring.json").read_text())
    return found


def test_harm_stops_the_campaign_with_the_verdict_as_its_reason(settings: Settings, store: Store) -> None:
    shop(settings, store, -0.5)
    found = result(settings)
    assert found["sentence"].startswith("Harm: spend -")
    assert stopped_campaigns(store) == {"spring": found["sentence"]}
    assert (found["stopped"], found["stopped_at_look"]) == (found["sentence"], 1)
    assert set(states(store).values()) == {("suppressed", "campaign_stopped")}


def test_a_person_who_restarts_it_decides_until_the_next_look(settings: Settings, store: Store) -> None:
    shop(settings, store, -0.5)
    result(settings)
    restart_campaign(store, "spring")
    assert result(settings)["stopped"] is None
    write_manifest(settings.data, LOOKS[1])
    found = result(settings)
    assert found["stopped_at_look"] == 2
    assert stopped_campaigns(store) == {"spring": found["sentence"]}


@pytest.mark.parametrize(("lift", "on_harm"), [(-0.5, False), (0.5, True), (0.0, True)])
def test_without_harm_or_without_the_rule_the_campaign_goes_on(
    settings: Settings, store: Store, lift: float, on_harm: bool
) -> None:
    shop(settings, store, lift, on_harm)
    found = result(settings)
    assert (found["stopped"], found["stopped_at_look"]) == (None, None)
    assert stopped_campaigns(store) == {}
