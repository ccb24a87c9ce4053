"""Lists that are missing or outdated are written by the console before it tries or launches a campaign."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from console.pages.campaigns.definition.draft import draft_of
from console.pages.campaigns.definition.lists import WRITE_LISTS, lists_first
from console.web.command import Command
from console.web.commands import Commands
from settings import Settings
from tests.support.console.client import log_in, open_console
from tests.support.marketing.campaign_shop import SIMPLE, campaign_shop, write_campaign

WITH_PRODUCTS = SIMPLE.replace("[[content]]", '[recommendations]\nslate = "explore"\n[[content]]').replace(
    "News for you.", "News for you. {{ products }}"
)
EXPLORE = Path("explore.parquet")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = campaign_shop(tmp_path / "data")
    write_campaign(settings.campaigns_folder, WITH_PRODUCTS)
    return settings


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sequence[Sequence[str]], str]]:
    """Steps and titles of the chains that the console starts; nothing runs."""
    found: list[tuple[Sequence[Sequence[str]], str]] = []

    def start_chain(self: Commands, steps: Any, title: str, owner: str, *_: Any, **__: Any) -> Command:
        found.append((steps, title))
        return Command(title, owner, None)

    monkeypatch.setattr(Commands, "start_chain", start_chain)
    return found


def act(settings: Settings) -> None:
    """Try the plan, and launch."""
    with open_console(settings) as client:
        log_in(client, "marketer")
        assert client.post("/campaigns/simple/try", data={"step": "left-out"}).status_code == 200
        base = draft_of(settings, "simple").base
        assert client.post("/campaigns/simple/launch", data={"base": base}).status_code == 200


def test_missing_lists_are_written_first(settings: Settings, started: list[Any]) -> None:
    (settings.paths.recommendations / EXPLORE).unlink()
    assert lists_first(settings, draft_of(settings, "simple")).reason == "The lists explore.parquet are missing."
    act(settings)
    (trial, trial_title), (launch, launch_title) = started
    assert trial[0] == WRITE_LISTS
    assert trial[1][:3] == ["marketing", "campaign", "plan"]
    assert [step[:3] for step in (launch[0], launch[1])] == [["marketing", "campaign", "check"], WRITE_LISTS]
    assert "write the lists" in f"{trial_title} {launch_title}".lower()


def test_lists_of_another_tool_stay(settings: Settings, started: list[Any]) -> None:
    act(settings)
    assert [len(steps) for steps, _ in started] == [1, 5]
    assert not any(WRITE_LISTS in steps for steps, _ in started)


def test_a_campaign_without_products_needs_no_lists(settings: Settings, started: list[Any]) -> None:
    write_campaign(settings.campaigns_folder, SIMPLE)
    (settings.paths.recommendations / EXPLORE).unlink()
    act(settings)
    assert not any(WRITE_LISTS in steps for steps, _ in started)


def test_a_file_that_cannot_be_used_is_left_to_the_plan(settings: Settings) -> None:
    (settings.campaigns_folder / "simple.toml").write_text("id = ")
    assert lists_first(settings, draft_of(settings, "simple")).steps == ()
