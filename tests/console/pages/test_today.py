"""The start page: what serves, what was decided, how fresh the data are, and what needs a person."""

import html
import json
from pathlib import Path

from outbox.store import open_store, store_url
from outbox.switches import pause
from registry.champion_alias import Registry
from settings import Settings
from tests.support.console.client import log_in, open_console


def test_an_empty_installation_is_explained(tmp_path: Path) -> None:
    with open_console(Settings(data=tmp_path)) as client:
        page = log_in(client, "viewer").get("/").text
    assert "No version is deployed." in page
    assert "No run has been decided yet." in page
    assert "not published yet" in page
    assert "No campaign is running." in page
    assert not (tmp_path / "outbox").exists()


def test_the_champion_and_its_reason_are_shown(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    Registry(settings.paths.release).deploy("v7", None, "better by <4%>", "ann")
    with open_console(settings) as client:
        page = log_in(client, "viewer").get("/").text
    assert "v7" in page
    assert "better by &lt;4%&gt;" in page


def test_a_service_that_is_down_and_a_broken_campaign_are_alarms(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    settings.campaigns_folder.mkdir()
    (settings.campaigns_folder / "win-back.toml").write_text("status = 'running'\n")
    with open_console(settings, {"/readyz": (503, {"error": "No version serves yet."})}) as client:
        page = log_in(client, "viewer").get("/").text
    assert "No recommendations: No version serves yet." in page
    assert "The campaign win-back.toml cannot be used." in page
    assert "Nothing needs you." not in page


def test_a_pause_and_a_check_that_is_not_met_need_a_person_and_times_have_a_zone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, timezone="America/New_York")
    store = open_store(store_url(settings))
    pause(store, "a wrong price (ann)")
    store.close()
    results = [{"name": "prices", "severity": "warning", "met": False, "what": "3 rows"}]
    file = settings.paths.quality / "2018-01-01" / "landing" / "results.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(results))
    with open_console(settings) as client:
        page = html.unescape(log_in(client, "viewer").get("/").text)
    assert "Nothing needs you." not in page
    assert "All sending is paused: a wrong price (ann)" in page
    assert "1 of 1 checks of 'landing' are not met, such as prices: 3 rows" in page
    assert "Times: America/New_York" in page
