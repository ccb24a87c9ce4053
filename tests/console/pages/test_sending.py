"""The pause switch, and the alarm about a stopped campaign."""

import subprocess  # noqa: F401  (this file starts programs: an integration test)
from pathlib import Path

from outbox.store import open_store, store_url
from outbox.switches import stop_campaign
from settings import Settings
from tests.support.console.client import log_in, open_console


def test_sending_is_paused_with_a_reason_and_continues(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    open_store(store_url(settings)).close()
    with open_console(settings) as client:
        log_in(client, "operator")
        answer = client.post("/sending", data={"step": "pause", "reason": "wrong price"})
        assert (answer.status_code, answer.headers["hx-refresh"]) == (204, "true")
        assert "wrong price (operator)" in client.get("/").text
        client.post("/sending", data={"step": "resume"})
        assert "wrong price" not in client.get("/").text


def test_a_stopped_campaign_is_an_alarm(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    store = open_store(store_url(settings))
    stop_campaign(store, "win-back", "harm at the first look")
    store.close()
    with open_console(settings) as client:
        assert "harm at the first look" in log_in(client, "viewer").get("/").text
