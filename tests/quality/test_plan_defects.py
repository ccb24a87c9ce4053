"""Each defect planted in a staged plan, or in the outbox behind it, is caught by the expectation named for it."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from marketing.__main__ import main
from outbox.customers.records import Consent, Contact, record_consents, record_contacts, suppress
from outbox.plan import ClassPolicy, ContactPolicy, Content, Decision, Message, Plan
from outbox.planning import enqueue
from outbox.store import Store, open_store, store_url
from quality.errors import NothingToCheckError
from quality.thresholds import load_thresholds
from settings import Settings
from tests.support.marketing.campaign_shop import NOON, SIMPLE, campaign_shop, write_campaign
from tests.support.quality.judging import broken, plant

CAMPAIGN = (
    SIMPLE + '[recommendations]\nslate = "explore"\n[budget]\nmessages = 20\nmoney = 10.0\ncost_per_message = 0.1\n'
)
TEXT = CAMPAIGN.replace("News for you.", "{{ products[0].name }}")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a staged plan that has no defect. Read only."""
    data = tmp_path_factory.mktemp("clean") / "data"
    settings = campaign_shop(data)
    write_campaign(settings.campaigns_folder, TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REACH_DATA", str(data))
        assert main(["campaign", "plan", "simple", "--as-of", "2018-01-01T12:00"]) == 0
    return data


@pytest.fixture
def data(tmp_path: Path, clean: Path) -> Path:
    """The same, to plant defects in."""
    return shutil.copytree(clean, tmp_path / "data", symlinks=True)


def test_a_sound_plan_breaks_nothing(clean: Path) -> None:
    assert broken("plan", clean, "simple") == {}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM {t} UNION ALL (SELECT * FROM {t} LIMIT 1)", "customers_get_one_message"),
        (
            "SELECT * FROM {t} UNION ALL (SELECT * REPLACE ('again' AS occurrence) FROM {t} "
            "WHERE outcome = 'planned' LIMIT 1)",
            "customers_get_one_message",
        ),
        ("SELECT * REPLACE ('' AS reason) FROM {t}", "unsent_decisions_have_a_reason"),
        ("SELECT * REPLACE ('Hello' AS subject, 'x' AS body_text) FROM {t}", "decisions_and_messages_agree"),
        ("SELECT * REPLACE ('holdout' AS variant) FROM {t}", "decisions_and_messages_agree"),
        (
            "SELECT * REPLACE (not_after AS not_before, not_before AS not_after) FROM {t}",
            "decisions_and_messages_agree",
        ),
        ("SELECT * REPLACE (not_before + INTERVAL 11 HOURS AS not_before) FROM {t}", "messages_avoid_quiet_hours"),
        ("SELECT * REPLACE (5.0 AS face_value) FROM {t}", "the_budget_is_kept"),
        ("SELECT * REPLACE (0.5 AS propensity) FROM {t}", "propensities_are_the_shares"),
        ("SELECT * REPLACE (['p2', 'p1'] AS product_ids) FROM {t}", "messages_name_no_restricted_product"),
        (
            "SELECT * REPLACE (CASE WHEN outcome = 'planned' THEN 'held_out' ELSE outcome END AS outcome, 'hold_out' "
            "AS reason, NULL AS subject, NULL AS body_text, CASE variant WHEN 'none' THEN 'none' ELSE 'holdout' END "
            "AS variant, CASE variant WHEN 'none' THEN 1 ELSE 0.3 END AS propensity) FROM {t}",
            "arms_have_their_sizes",
        ),
    ],
)
def test_a_planted_defect_is_critical(data: Path, query: str, expected: str) -> None:
    plant(data / "plans" / "simple", "decisions", query)
    found = broken("plan", data, "simple")
    assert found[expected].severity == "critical"


def test_a_customer_of_the_global_hold_out_in_a_plan_is_critical(data: Path) -> None:
    """The plan was made without one; its record then claims a share of 30%, which is drawn again."""
    file = data / "plans" / "simple" / "plan.json"
    record = json.loads(file.read_text())
    record["policy"]["global_hold_out"] = {"share": 0.3, "classes": ["promotional"]}
    file.write_text(json.dumps(record))
    found = broken("plan", data, "simple")
    assert list(found) == ["global_hold_out_gets_nothing"]
    assert found["global_hold_out_gets_nothing"].severity == "critical"


def test_a_plan_with_a_global_hold_out_breaks_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[global_hold_out]\nshare = 0.3\n")
    monkeypatch.setenv("REACH_DATA", str(data))
    monkeypatch.setenv("REACH_CONTACT_POLICY", str(policy))
    assert main(["campaign", "plan", "simple", "--as-of", "2018-01-01T12:00"]) == 0
    reasons = pq.read_table(data / "plans" / "simple" / "decisions.parquet")["reason"].to_pylist()
    assert 0 < reasons.count("global_hold_out") < 20
    assert broken("plan", data, "simple") == {}


def withdraw(store: Store, one: str) -> None:
    record_consents(store, [Consent(one, "email", "marketing", False, NOON - timedelta(hours=1), "made")])


def complain(store: Store, one: str) -> None:
    suppress(store, one, "email", "complaint", NOON - timedelta(hours=1))


def promote(store: Store, one: str) -> None:
    policy = ContactPolicy({"promotional": ClassPolicy()}, "UTC")
    content, until = Content("Hello", "x"), NOON + timedelta(hours=2)
    message = Message("promotional", "marketing", "email", content, NOON, until)
    decision = Decision(one, "other", "once", "message", 1.0, "planned", message=message)
    enqueue(store, Plan("other", "other", "1", {}, NOON, NOON, policy, [decision]))


def move(store: Store, one: str) -> None:
    record_contacts(store, [Contact(one, "email", "a@example.invalid", "Asia/Tokyo", datetime(2017, 6, 1))])


@pytest.mark.parametrize(
    ("change", "expected", "subject"),
    [
        (withdraw, "messages_have_a_consent", "messages"),
        (complain, "suppressed_addresses_get_nothing", "messages"),
        (promote, "messages_keep_within_caps", "1 in a day"),
        (move, "messages_avoid_quiet_hours", "Asia/Tokyo"),
    ],
)
def test_the_outbox_is_read_again(
    data: Path, change: Callable[[Store, str], None], expected: str, subject: str
) -> None:
    store = open_store(store_url(Settings(data=data)))
    change(store, _planned_customer(data))
    store.close()
    found = broken("plan", data, "simple")
    assert list(found) == [expected]
    assert subject in found[expected].details


def _planned_customer(data: Path) -> str:
    rows = pq.read_table(data / "plans" / "simple" / "decisions.parquet").to_pylist()
    return next(row["customer_id"] for row in rows if row["outcome"] == "planned")


def test_a_truncated_file_stops_the_run_at_once(data: Path) -> None:
    (data / "plans" / "simple" / "decisions.parquet").write_bytes(b"PAR1")
    assert list(broken("plan", data, "simple")) == ["plan_file_can_be_read"]


def test_a_campaign_without_a_plan_is_named(clean: Path) -> None:
    with pytest.raises(NothingToCheckError, match=r"marketing campaign plan other"):
        broken("plan", clean, "other")


def test_every_check_of_the_checkpoint_has_a_threshold() -> None:
    assert len(load_thresholds("plan", None).by_check) == 14
