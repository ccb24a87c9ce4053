"""The commands of the outbox: results as JSON, errors with the next step, no customer in the output."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outbox.__main__ import main
from outbox.customers.unsubscribe import token_of
from outbox.planning import enqueue
from outbox.store import Store, open_store, store_url
from settings import Settings
from tests.support.outbox.admissions import write_admission
from tests.support.outbox.mail_sink import MailSink, mail_sink
from tests.support.outbox.plans import MESSAGE, NOON, a_plan, held_out, planned, reachable
from tests.support.outbox.rows import message_of

KEY = "k" * 32
FOREVER = MESSAGE.__class__(
    **{**vars(MESSAGE), "message_class": "any", "not_after": MESSAGE.not_after.replace(year=2999)}
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    found = open_store(store_url(Settings()))
    yield found
    found.close()


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailSink]:
    with mail_sink() as found:
        monkeypatch.setenv("REACH_SMTP_URL", f"smtp://127.0.0.1:{found.port}")
        monkeypatch.setenv("REACH_SMTP_FROM", "Shop <news@shop.example>")
        monkeypatch.setenv("REACH_UNSUBSCRIBE_URL", "https://shop.example/u")
        monkeypatch.setenv("REACH_UNSUBSCRIBE_KEY", KEY)
        monkeypatch.setenv("REACH_SEND_RATE_PER_SECOND", "100000")
        yield found


def ready(store: Store) -> None:
    from outbox.plan import ClassPolicy, ContactPolicy

    reachable(store, "customer-1", "customer-2")
    given = [planned("customer-1", FOREVER), planned("customer-2", FOREVER), held_out("customer-3")]
    enqueue(store, a_plan(given, policy=ContactPolicy({"any": ClassPolicy()})))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(arguments)
    output = capsys.readouterr()
    assert "customer-" not in output.out + output.err
    assert "@shop" not in output.out + output.err
    return code, json.loads(output.out.splitlines()[-1]) if output.out else output.err


def test_send_reports_and_has_nothing_to_do_afterwards(store: Store, sink: MailSink, capsys) -> None:
    ready(store)
    assert run(capsys, "send") == (0, {"sent": {"sent": 2}, "recovered": {}, "stopped_campaigns": {}, "paused": None})
    assert run(capsys, "send") == (99, {})
    assert len(sink.received) == 2


def test_pause_and_resume(store: Store, sink: MailSink, capsys) -> None:
    ready(store)
    assert run(capsys, "pause", "--reason", "wrong price") == (0, {"paused": True})
    assert main(["send"]) == 99
    assert "Sending is paused: wrong price. '.venv/bin/python -m outbox resume' ends" in capsys.readouterr().out
    assert run(capsys, "status")[1]["paused"]["reason"] == "wrong price"
    assert run(capsys, "resume") == (0, {"was_paused": True})
    assert run(capsys, "send")[1]["sent"] == {"sent": 2}


def test_stop_and_restart_a_campaign(store: Store, sink: MailSink, capsys) -> None:
    ready(store)
    assert run(capsys, "stop", "c1", "--reason", "wrong price") == (0, {"suppressed": 2})
    assert run(capsys, "status")[1]["stopped_campaigns"]["c1"]["reason"] == "wrong price"
    assert run(capsys, "send") == (99, {})
    assert run(capsys, "restart", "c1") == (0, {"was_stopped": True})
    assert run(capsys, "status")[1]["stopped_campaigns"] == {}


def test_status_counts_states_and_reasons_and_names_messages_in_doubt(store: Store, sink: MailSink, capsys) -> None:
    ready(store)
    assert run(capsys, "status")[1]["due"] == 2
    sink.dies = True
    run(capsys, "send")

    code, found = run(capsys, "status")

    assert code == 0
    assert found["messages"] == {"in_doubt": {"connection_lost": 2}}
    assert found["decisions"] == {"held_out": {"hold_out": 1}, "planned": {"": 2}}
    ids = {message_of(store, c)["message_id"] for c in ("customer-1", "customer-2")}
    assert {row["message_id"] for row in found["in_doubt"]} == ids
    assert found["due"] == 0


def test_a_channel_that_is_down_ends_with_an_error(store: Store, sink: MailSink, monkeypatch, capsys) -> None:
    ready(store)
    monkeypatch.setattr("outbox.sending.sender.FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setenv("REACH_SMTP_URL", "smtp://127.0.0.1:1")
    assert main(["send"]) == 1
    assert "error: The smtp channel is down (ConnectionRefusedError" in capsys.readouterr().err


def test_export_writes_below_the_data_directory(store: Store, tmp_path: Path, capsys) -> None:
    from outbox.plan import ClassPolicy, ContactPolicy

    reachable(store, "customer-1")
    message = FOREVER.__class__(**{**vars(FOREVER), "delivery": "export"})
    enqueue(store, a_plan([planned("customer-1", message)], policy=ContactPolicy({"any": ClassPolicy()})))
    code, found = run(capsys, "export", "--campaign", "c1", "--format", "parquet")
    assert (code, found["rows"]) == (0, 1)
    assert Path(found["file"]).parent == tmp_path / "outbox" / "exports"
    assert run(capsys, "export", "--campaign", "c1") == (99, {})


def test_unsubscribe_and_erase(store: Store, sink: MailSink, capsys) -> None:
    ready(store)
    token = token_of(message_of(store, "customer-1")["message_id"], KEY)
    assert run(capsys, "unsubscribe", token) == (0, {"withdrawn": True})
    assert run(capsys, "erase", "customer-2")[1] == {
        "addresses": 1,
        "consents": 1,
        "unsent_messages": 1,
        "kept_messages": 0,
        "kept_decisions": 1,
    }
    assert run(capsys, "send") == (99, {})
    assert run(capsys, "status")[1]["messages"] == {"suppressed": {"consent_withdrawn": 1, "erased": 1}}


def test_an_id_that_the_outbox_does_not_know_is_said_to_be_unknown(store: Store, capsys) -> None:
    # As a program, because a logger named after the module that runs prints nothing on stdout.
    done = subprocess.run(
        [sys.executable, "-m", "outbox", "erase", "nosuch"], capture_output=True, text=True, check=True
    )
    assert "The outbox has nothing about this id" in done.stdout
    assert "nosuch" not in done.stdout + done.stderr
    ready(store)
    main(["erase", "customer-3"])  # who has a decision only
    assert "has nothing about" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"REACH_SMTP_URL": ""}, "No channel is configured"),
        ({"REACH_SMTP_FROM": ""}, "REACH_SMTP_URL is set without REACH_SMTP_FROM"),
        ({"REACH_UNSUBSCRIBE_KEY": ""}, "Set REACH_UNSUBSCRIBE_URL and REACH_UNSUBSCRIBE_KEY"),
        ({"REACH_WEBHOOK_URL": "http://127.0.0.1:1"}, "REACH_WEBHOOK_URL is set without REACH_WEBHOOK_SECRET"),
        ({"REACH_OUTBOX_URL": "mysql://u:p@h/d"}, "REACH_OUTBOX_URL begins with 'mysql'"),
    ],
)
def test_a_setting_that_is_missing_is_named(
    store: Store, sink: MailSink, monkeypatch, capsys, changed: dict[str, str], expected: str
) -> None:
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    assert main(["send"]) == 1
    assert expected in capsys.readouterr().err


def test_init_names_the_store_without_a_password(store: Store, capsys) -> None:
    assert run(capsys, "init")[1]["store"].endswith("/outbox/outbox.db")


def test_import_counts_what_is_new_and_prints_nobody(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ("anna-17", "email", "anna@shop.example", None, None)
    write_admission(tmp_path / "admitted", contacts=[row], bounces=[("anna-17", None, "email", "soft", NOON)])
    assert main(["import"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out.splitlines()[-1])
    assert result == {"consents": 0, "addresses": 1, "hard_bounces": 0, "left_out": {"bounce_soft": 1}}
    assert "anna" not in captured.out + captured.err


def test_pruning_creates_no_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    assert run(capsys, "prune") == (0, {"texts": 0, "messages": 0})
    assert list(tmp_path.iterdir()) == []
