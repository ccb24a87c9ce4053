"""The campaigns of the past: no number is an effect, and each naive one is struck through."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.web.commands import Commands
from settings import Settings
from tests.support.console.client import log_in, open_console

ROW = {
    "campaign_id": "8", "kind": "A", "starts_on": "2017-05-08", "mailed": 1076, "chosen": 1000, "others": 900,
    "naive": 33.7, "placebos": [33.0, 34.8], "verdict": "not identified", "why_not": None,
}  # fmt: skip
LATE = ROW | {"campaign_id": "9", "naive": None, "placebos": [], "why_not": "the data ends before"}
FOUND = {"campaigns": 2, "compared": 1, "called_effect": 0, "naive": 33.7, "placebo": 33.0, "rows": [ROW, LATE]}


def test_each_naive_number_is_struck_through_beside_its_placebo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(self: Commands, command_id: str, owner: str) -> Any:
        return SimpleNamespace(is_running=False, problem=None, result=FOUND)

    monkeypatch.setattr(Commands, "find", find)
    with open_console(Settings(data=tmp_path)) as client:
        page = log_in(client, "viewer").get("/campaigns/past?command=x").text
    assert "<s>+33.7</s></td>" in page
    assert page.count("+33.7") == page.count("<s>+33.7</s>") == 2
    assert "+33.0" in page
    assert "not identified <small" in page
    assert "lift" not in page.lower()


def test_the_comparison_begins_by_itself(tmp_path: Path) -> None:
    with open_console(Settings(data=tmp_path)) as client:
        page = log_in(client, "viewer").get("/campaigns/past?command=gone").text
    assert 'hx-post="/campaigns/past" hx-trigger="load"' in page
