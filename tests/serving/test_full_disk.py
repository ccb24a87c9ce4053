"""A journal that cannot be written, because the disk is full or the folder is not ours: events wait, lists go on."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from events.sqlite_event_log import SqliteEventLog
from serving.config import CONFIG
from serving.errors import EventsUnavailableError
from serving.handlers.events import EventsHandler, EventsRequest
from serving.metrics import metrics
from tests.serving.handlers.test_events import event, send
from tests.support.serving.running import ask, install, metric, serve, wait_until_ready


def test_without_a_journal_events_are_503_in_words_and_lists_go_on_until_it_can_be_written(tmp_path: Path) -> None:
    installed = install(tmp_path / "data", "v1")
    installed.deploy("v1")
    installed.paths.events.touch()  # where its folder would be
    with serve(installed) as client:
        wait_until_ready(client, installed)
        answer = send(client, event("e1"))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["error"].startswith("The events could not be stored. Send the same batch again")
        assert (ask(client, "buyer").status_code, ask(client, "buyer").json()["fallback"]) == (200, None)
        assert metric(client, 'reach_events_total{outcome="failed"}') == 1
        log = installed.log.read_text()
        assert f"The event log in {installed.paths.events} cannot be used" in log
        assert "Traceback" not in log

        installed.paths.events.unlink()
        assert send(client, event("e1")).json() == {"accepted": 1, "duplicates": 0}


def test_a_full_disk_refuses_the_whole_batch_and_is_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = SqliteEventLog._open

    def on_a_full_disk(journal: SqliteEventLog, stream: str) -> sqlite3.Connection:
        connection = opened(journal, stream)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(SqliteEventLog, "_open", on_a_full_disk)
    journal = SqliteEventLog(tmp_path / "events", 1.0, stores_events=True)
    batch = EventsRequest.model_validate({"events": [event(f"e{n}", "buyer" + "x" * 50) for n in range(500)]})
    with pytest.raises(EventsUnavailableError, match="Send the same batch again"):
        asyncio.run(EventsHandler(journal, CONFIG, metrics()).ingest(batch))
    journal.close()
    monkeypatch.undo()

    assert "database or disk is full" in caplog.text
    again = SqliteEventLog(tmp_path / "events", 1.0, stores_events=True)
    assert again.read_from(None).events == []
    again.close()
