"""Experiments: the announcement, the arms, the advice with its intervals, and a file that cannot be read."""

import json
from pathlib import Path

import pytest

from core.command import without_nan
from online_experiments.analysis.analyse import analyse
from online_experiments.analysis.report import to_json
from settings import Settings
from tests.support.console.client import log_in, open_console
from tests.support.online_experiments.announced import announced
from tests.support.online_experiments.exposed_shop import write_shop

MEASURE = {"primary": "spend", "smallest_effect": 0.05, "guardrails": ["clicks"]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One experiment with a planted effect, analysed."""
    announcement = announced(measure=MEASURE, longest_days=7)
    settings = write_shop(tmp_path, announcement, lift=0.4)
    for folder in (settings.paths.announced_experiments, settings.paths.experiment_results):
        folder.mkdir()
    (settings.paths.announced_experiments / "rule-or-model.json").write_text(announcement.model_dump_json())
    result = without_nan(to_json(analyse(settings, announcement)))
    (settings.paths.experiment_results / "rule-or-model.json").write_text(json.dumps(result))
    return settings


def test_a_viewer_reads_the_advice_the_arms_and_the_conditions(settings: Settings) -> None:
    with open_console(settings) as client:
        page = log_in(client, "viewer").get("/experiments").text
    assert "<b>model</b> against rule: Ship it. Effect shown at look" in page
    assert "7 of 7 daily looks done; data is known until 2017-11-06" in page
    assert page.count('class="interval"') == 4  # no purchase lies in the second half
    assert "the arms have the planned sizes" in page
    assert "the simple rule&#39;s list" in page
    assert "spend, from an effect of 5.0% on; guardrails: clicks" in page


def test_without_an_analysis_and_without_an_experiment_the_next_step_is_named(settings: Settings) -> None:
    result = settings.paths.experiment_results / "rule-or-model.json"
    result.unlink()
    with open_console(settings) as client:
        log_in(client, "viewer")
        assert "Not analysed yet." in client.get("/experiments").text
        (settings.paths.announced_experiments / "rule-or-model.json").unlink()
        assert "python -m online_experiments start ID" in client.get("/experiments").text


def test_a_broken_announcement_does_not_hide_the_others(settings: Settings) -> None:
    (settings.paths.announced_experiments / "broken.json").write_text("{}")
    with open_console(settings) as client:
        page = log_in(client, "viewer").get("/experiments").text
    assert "broken.json cannot be read" in page
    assert "Ship it." in page
