"""Lists of campaigns are written if they are outdated, and only those that campaigns show."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from marketing.campaigns.content.lists import ListsRecord
from ml.steps import recommend as writing
from ml.steps import recommend_for_campaigns as step
from ml.steps.recommend import SCHEMA
from ml.steps.recommend_for_campaigns import recommend_for_campaigns
from settings import Settings

CAMPAIGN = """
id = "{name}"
status = "{status}"
goal = "g"
message_class = "promotional"
purpose = "marketing"
[audience]
everybody = true
{slot}
[[content]]
name = "all"
subject = "s"
text = "{{{{ products }}}} {{{{ unsubscribe_url }}}}"
"""
SLOT = '[recommendations]\nslate = "{}"\ncount = 3'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
def written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The lists that were written; champion v1 and features f1 are present."""
    found: list[tuple[str, int]] = []

    def recommend(_: Settings, as_of: date, slate: str, k: int, out: Path) -> dict[str, Any]:
        assert as_of == date(2018, 1, 1)
        out.parent.mkdir(exist_ok=True)
        pq.write_table(SCHEMA.with_metadata(ListsRecord("v1", "f1", k).metadata).empty_table(), out)
        found.append((slate, k))
        return {}

    monkeypatch.setattr(writing, "recommend", recommend)
    monkeypatch.setattr(step, "current_publication", lambda _: SimpleNamespace(as_of=date(2018, 1, 1)))
    monkeypatch.setattr(step, "present_record", lambda _, count: ListsRecord("v1", "f1", count))
    return found


def _campaign(settings: Settings, name: str, slate: str | None, status: str = "draft") -> None:
    settings.campaigns_folder.mkdir(exist_ok=True)
    text = CAMPAIGN.format(name=name, status=status, slot=SLOT.format(slate) if slate else "")
    (settings.campaigns_folder / f"{name}.toml").write_text(text)


def test_lists_are_written_once_per_champion_and_features(
    settings: Settings, written: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _campaign(settings, "a", "explore")
    assert recommend_for_campaigns(settings) == {"written": ["explore"], "up_to_date": []}
    assert recommend_for_campaigns(settings) == {"written": [], "up_to_date": ["explore"]}
    for version, features in (("v2", "f1"), ("v1", "f2")):
        present = ListsRecord(version, features, 12)
        monkeypatch.setattr(step, "present_record", lambda _, count, of=present: of)
        assert recommend_for_campaigns(settings)["written"] == ["explore"]
    assert written == [("explore", 12)] * 3


def test_two_commands_at_once_write_the_lists_once(
    settings: Settings, written: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _campaign(settings, "a", "explore")
    write, both = writing.recommend, threading.Barrier(2)

    def recommend(*arguments: Any) -> dict[str, Any]:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.3)  # a second writer would arrive here, too
        return write(*arguments)

    monkeypatch.setattr(writing, "recommend", recommend)
    with ThreadPoolExecutor() as pool:
        results = [pool.submit(recommend_for_campaigns, settings) for _ in range(2)]
    assert sorted(one.result()["written"] for one in results) == [[], ["explore"]]
    assert written == [("explore", 12)]


def test_only_slates_of_campaigns_that_may_run_are_written(settings: Settings, written: list[tuple[str, int]]) -> None:
    _campaign(settings, "a", "explore", "stopped")
    _campaign(settings, "b", None, "running")
    assert recommend_for_campaigns(settings) == {"written": [], "up_to_date": []}
    _campaign(settings, "c", "all", "running")
    recommend_for_campaigns(settings)
    assert written == [("all", 12)]


@pytest.mark.usefixtures("written")
def test_without_a_campaign_nothing_is_needed(settings: Settings) -> None:
    assert recommend_for_campaigns(settings) == {"written": [], "up_to_date": []}


def test_a_broken_campaign_keeps_no_list_from_the_others(settings: Settings, written: list[tuple[str, int]]) -> None:
    _campaign(settings, "a", "explore", "running")
    _campaign(settings, "b", "nothing", "running")
    assert recommend_for_campaigns(settings)["written"] == ["explore"]
    assert written == [("explore", 12)]
