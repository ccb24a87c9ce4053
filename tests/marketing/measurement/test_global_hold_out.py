"""All campaigns together: customers of the global hold-out against everybody else."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from experiments.assignment import experiment_key, hash_numbers
from marketing.__main__ import main
from marketing.campaigns.plan.plan import GLOBAL_KEY
from marketing.campaigns.plan.planning import SECRET
from marketing.measurement.global_hold_out import TOGETHER
from outbox.customers.records import erase
from outbox.plan import ClassPolicy, ContactPolicy, Decision, GlobalHoldOut
from outbox.planning import enqueue
from outbox.store import Store, open_store, store_url
from settings import Settings
from tests.support.marketing.measured_campaign import CUSTOMERS, DECIDED_AT, write_admission
from tests.support.outbox.plans import MESSAGE, a_plan, planned

SHARE = 0.3
KEY = bytes(range(32))
NUMBERS = hash_numbers(experiment_key(KEY, GLOBAL_KEY), [f"c{number:04}" for number in range(CUSTOMERS)])
AT = DECIDED_AT.item()
WEEKS = 14
"""Weeks of purchases after the first draw: one look is reached."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    monkeypatch.setenv("REACH_CONTACT_POLICY", str(tmp_path / "policy.toml"))
    (tmp_path / "policy.toml").write_text(f"[global_hold_out]\nshare = {SHARE}\n")
    settings = Settings()
    settings.paths.plans.mkdir()
    (settings.paths.plans / SECRET).write_bytes(KEY)
    return settings


@pytest.fixture
def store(settings: Settings):
    found = open_store(store_url(settings))
    yield found
    found.close()


def decision(number: int, share: float) -> Decision:
    """A decision of one of three kinds about a customer of a campaign, or of the global hold-out."""
    name, message = f"c{number:04}", replace(MESSAGE, not_before=AT, not_after=AT, message_class="promotional")
    without = {"outcome": "suppressed", "message": None}
    if number % 10 == 0:
        return planned(name, variant="none", propensity=1.0, reason="no_consent", **without)
    if NUMBERS[number] < share:
        return planned(name, variant="global_holdout", propensity=share, reason="global_hold_out", **without)
    if number % 3 == 0:
        return planned(name, variant="none", propensity=1.0, reason="frequency_cap", **without)
    return planned(name, message)


def keep(store: Store, share: float = SHARE, day: int = 0, campaign_id: str = "spring") -> None:
    at, held = AT + timedelta(days=day), GlobalHoldOut(share, ("promotional",))
    given = [replace(decision(number, share), occurrence=f"{campaign_id}:{day}") for number in range(CUSTOMERS)]
    plan = a_plan(given, plan_id=f"{campaign_id}-{day}", campaign_id=campaign_id, planned_at=at, as_of=at)
    policy = ContactPolicy({"promotional": ClassPolicy()}, global_hold_out=held)
    enqueue(store, replace(plan, definition={"message_class": "promotional"}, policy=policy))


def measured(capsys: pytest.CaptureFixture[str], settings: Settings) -> Mapping:
    assert main(["measure", "--global-hold-out"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])[TOGETHER]
    assert found == json.loads((settings.paths.campaign_results / f"{TOGETHER}.json").read_text())
    return found


def arms(held: float = SHARE) -> np.ndarray:
    return np.where(held > NUMBERS, "holdout", "message")


def test_everybody_else_counts_as_treated_whatever_campaigns_decided(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_admission(settings.data, arms(), 0.3, weeks_after=WEEKS)
    keep(store)
    keep(store, day=3, campaign_id="summer")
    found = measured(capsys, settings)
    assert found["metrics"]["spend"]["outcome"] == "effect"
    reached = np.arange(CUSTOMERS) % 10 != 0
    held = int((reached & (NUMBERS < SHARE)).sum())
    assert found["counts"] == {"everybody else": int(reached.sum()) - held, "global_holdout": held}
    assert found["looks"] == ["2018-01-01", "2018-04-02", "2018-07-02", "2018-10-01"]
    assert found["looks_done"] == 1


def test_nothing_planted_shows_nothing(settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    write_admission(settings.data, arms(), 0.0, weeks_after=WEEKS)
    keep(store)
    assert measured(capsys, settings)["metrics"]["spend"]["outcome"] == "nothing visible"


def test_a_changed_share_leaves_the_customers_out_whose_arm_changed(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_admission(settings.data, arms(), 0.3, weeks_after=WEEKS)
    keep(store, share=0.2)
    keep(store, share=0.4, day=3)
    found = measured(capsys, settings)
    reached = np.arange(CUSTOMERS) % 10 != 0
    assert found["unassigned"] == int((reached & (NUMBERS >= 0.2) & (NUMBERS < 0.4)).sum())
    assert found["counts"]["global_holdout"] == int((reached & (NUMBERS < 0.2)).sum())
    assert found["identified"]


def test_time_without_a_global_hold_out_does_not_count(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_admission(settings.data, arms(), 0.0, weeks_after=WEEKS)
    keep(store, day=0)
    keep(store, share=0.0, day=1)
    assert "no plan has drawn" in measured(capsys, settings)["sentence"]
    keep(store, day=20)
    assert "too few weeks since the first draw on 2017-10-22" in measured(capsys, settings)["sentence"]


def test_an_erased_customer_stays_in_the_arm(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_admission(settings.data, arms(), 0.0, weeks_after=WEEKS)
    keep(store)
    before = measured(capsys, settings)["counts"]
    for number in (*np.flatnonzero(NUMBERS < SHARE)[:9], *np.flatnonzero(NUMBERS >= SHARE)[:9]):
        erase(store, f"c{number:04}")
    assert measured(capsys, settings)["counts"] == before


def test_another_secret_is_noticed(settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    write_admission(settings.data, arms(), 0.0, weeks_after=WEEKS)
    keep(store)
    (settings.paths.plans / SECRET).write_bytes(bytes(32))
    found = measured(capsys, settings)
    assert not found["identified"]
    assert "the secret of the hold-outs has changed" in found["sentence"]
    (settings.paths.plans / SECRET).unlink()
    assert main(["measure", "--global-hold-out"]) == 1
    assert "Restore it from a backup" in capsys.readouterr().err


def test_a_share_of_zero_identifies_nothing(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings.data / "policy.toml").write_text("[global_hold_out]\nshare = 0\n")
    assert "share = 0" in measured(capsys, settings)["sentence"]


def test_it_is_measured_with_all_campaigns(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_admission(settings.data, arms(), 0.0, weeks_after=WEEKS)
    keep(store)
    assert main(["measure"]) == 0
    assert set(json.loads(capsys.readouterr().out.splitlines()[-1])) == {"spring", TOGETHER}
    assert main(["measure", "spring", "--global-hold-out"]) == 1
