"""One campaign's page and the list: counts by state and reason, plans, rates, broken files, stop and restart."""

import re
import subprocess  # noqa: F401  (the console starts programs here: an integration test)
from datetime import timedelta
from pathlib import Path

import pytest

from console.pages.campaigns.definition.draft import draft_of
from console.pages.campaigns.outcome.counts import counts_of, counts_of_all
from outbox.channels.channel import Accepted, Outgoing
from outbox.customers.records import Consent, record_consents
from outbox.planning import enqueue
from outbox.sending.sender import Limits, Sender
from outbox.store import open_store, store_url
from settings import Settings
from tests.support.console.client import log_in, open_console
from tests.support.marketing.campaign_shop import SIMPLE, write_campaign
from tests.support.outbox.plans import NOON, a_plan, held_out, planned, reachable


class Server:
    """A channel that takes every message."""

    def deliver(self, outgoing: Outgoing) -> Accepted:
        return Accepted("250")

    def close(self) -> None:
        pass


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A campaign with two messages and one customer held out, and a broken file."""
    settings = Settings(data=tmp_path)
    write_campaign(settings.campaigns_folder, SIMPLE)
    (settings.campaigns_folder / "broken.toml").write_text('id = "broken"\nstatus = "runing"\n')
    store = open_store(store_url(settings))
    reachable(store, "a", "b", "c")
    decisions = [planned("a"), planned("b"), held_out("c")]
    enqueue(store, a_plan(decisions, campaign_id="simple", campaign_version="f" * 16))
    store.close()
    return settings


def test_messages_are_counted_by_state_and_reason(settings: Settings) -> None:
    counts, paused = counts_of(settings, "simple")
    assert (counts.planned, counts.held_out, counts.left_out, paused) == (2, 1, 0, None)
    assert counts.messages == {"planned": {"waits": 2}}
    assert [(plan.version, plan.planned) for plan in counts.plans] == [("f" * 16, 2)]
    assert counts_of_all(settings).of("simple").messages == counts.messages
    assert counts_of_all(settings).of("other").planned == 0


def test_withdrawn_consents_are_a_share_of_what_was_sent(settings: Settings) -> None:
    store = open_store(store_url(settings))
    Sender(store, {"smtp": Server}, None, Limits(1, 1e6), clock=lambda: NOON).run()
    later = NOON + timedelta(minutes=1)
    record_consents(store, [Consent("a", "email", "marketing", False, later, "unsubscribe")])
    store.close()
    with open_console(settings) as client:
        page = log_in(client, "viewer").get("/campaigns/simple/counts").text
    assert "Of 2 messages that left, 50.0% were followed by a withdrawn consent, and 0.0% bounced" in page
    assert "The campaign stops at 2.0% and 5.0%, from 200 messages on" in page
    assert "Stop this campaign" not in page


def test_the_list_shows_counts_and_the_message_of_a_broken_file(settings: Settings) -> None:
    with open_console(settings) as client:
        log_in(client, "viewer")
        assert "counting" in client.get("/campaigns").text
        page = client.get("/campaigns/counts").text
        assert "counting" not in page
        assert "everybody with scores" in page
        assert "cannot be used" in page
        assert "status = &#39;runing&#39;" in page
        assert client.get("/campaigns/broken/goal").headers["location"] == "/campaigns/broken/file"
        assert "status = &#39;runing&#39;" in client.get("/campaigns/broken").text


def test_an_edited_campaign_is_a_new_version_and_the_old_plan_stands(settings: Settings) -> None:
    with open_console(settings) as client:
        page = log_in(client, "viewer").get("/campaigns/simple/counts").text
    assert "not the present one" in page
    assert "2 messages wait in the outbox" in page


def test_a_stopped_campaign_sends_nothing_until_it_is_restarted(settings: Settings) -> None:
    with open_console(settings) as client:
        log_in(client, "marketer")
        answer = client.post("/campaigns/simple/stop", data={"reason": "- a wrong price"})
        assert answer.headers["location"] == "/campaigns/simple"
        assert "This campaign is stopped: - a wrong price (marketer)" in client.get("/campaigns/simple/counts").text
        assert draft_of(settings, "simple").fields["status"] == "stopped"
        assert counts_of(settings, "simple")[0].messages == {"suppressed": {"campaign_stopped": 2}}
        assert client.post("/campaigns/simple/restart").headers["location"] == "/campaigns/simple/launch"
        assert counts_of(settings, "simple")[0].stopped is None
        assert draft_of(settings, "simple").fields["status"] == "running"


def test_a_launch_that_fails_gives_the_file_its_former_status(settings: Settings) -> None:
    """Nothing is published here, so the plan fails."""
    write_campaign(settings.campaigns_folder, SIMPLE.replace('"running"', '"draft"'))
    base, statuses = draft_of(settings, "simple").base, set()
    with open_console(settings) as client:
        log_in(client, "marketer")
        old = client.post("/campaigns/simple/launch", data={"base": "of an older file"}, headers={"hx-request": "true"})
        assert old.status_code == 409
        progress = client.post("/campaigns/simple/launch", data={"base": base}).text
        path = progress.partition('hx-get="')[2].partition('"')[0]
        while 'hx-trigger="every' in progress:
            progress = client.get(path).text
            statuses.add(draft_of(settings, "simple").fields["status"])
        reloaded = client.get("/campaigns/simple/launch").text
    assert "running" in statuses
    assert "The launch of" in reloaded  # the error is not lost with the page
    assert reloaded.count('class="problem"') == 1
    assert "python -m marketing campaign plan simple" in progress
    assert 'class="problem"' in progress
    assert "quality" not in progress
    assert draft_of(settings, "simple").fields["status"] == "draft"


def test_a_campaign_with_mistakes_never_runs(settings: Settings) -> None:
    write_campaign(settings.campaigns_folder, SIMPLE.replace('"running"', '"draft"').replace("News", "{{ custumer }}"))
    before = draft_of(settings, "simple")
    with open_console(settings) as client:
        log_in(client, "marketer")
        assert re.search(r'id="launch-button" *disabled', client.get("/campaigns/simple/launch").text)
        assert "launch-button" not in client.get("/campaigns/simple/check").text
        progress = client.post("/campaigns/simple/launch", data={"base": before.base}).text
        path = progress.partition('hx-get="')[2].partition('"')[0]
        while 'hx-trigger="every' in progress:
            progress = client.get(path).text
            assert draft_of(settings, "simple") == before
    assert "custumer" in progress


def test_the_launch_button_becomes_active_by_the_check(settings: Settings) -> None:
    with open_console(settings) as client:
        answer = log_in(client, "marketer").get("/campaigns/simple/check").text
        assert 'id="launch-button" hx-swap-oob="true">Plan again' in answer
        assert "launch-button" not in log_in(client, "viewer").get("/campaigns/simple/check").text


def test_an_installation_without_campaigns_and_outbox_is_explained(tmp_path: Path) -> None:
    with open_console(Settings(data=tmp_path)) as client:
        page = log_in(client, "viewer").get("/campaigns").text
        assert client.get("/campaigns/counts").status_code == 200
        assert client.get("/campaigns/none").status_code == 404
    assert "There is no campaign in" in page
    assert not (tmp_path / "outbox").exists()
