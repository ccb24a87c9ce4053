"""The result on a campaign's page: the sentence first, and no number where nothing is identified."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from console.pages.campaigns.outcome.results import picture_of
from marketing.__main__ import main
from settings import Settings
from tests.support.console.client import log_in, open_console
from tests.support.marketing.campaign_shop import SIMPLE, write_campaign
from tests.support.marketing.measured_campaign import LOOKS, decisions_of, drawn, write_admission

CHECK = {"name": "hold-out", "passed": True, "p_value": None, "sentence": "20 customers were held out."}
EFFECT = {"outcome": "effect", "sentence": "Effect shown at look 2: spend +13.1%.", "difference": 13.1, "low": 5.5}
EFFECT |= {"high": 20.7, "control_mean": 100.0, "relative": 0.131, "look": 2, "decided_at_look": 2}
RESULT = {
    "campaign_id": "simple", "metric": "spend", "sentence": EFFECT["sentence"], "identified": True, "why_not": [],
    "counts": {"message": 80, "holdout": 20}, "unassigned": 5, "looks": ["2018-01-15", "2018-01-29"], "looks_done": 2,
    "checks": [CHECK], "metrics": {"spend": EFFECT}, "variants": {},
}  # fmt: skip
SENTENCE = "Not identified: the arms differ before the start (p < .0001)."
UNIDENTIFIED = RESULT | {"sentence": SENTENCE, "identified": False, "why_not": ["the arms differ"]}
UNIDENTIFIED |= {"metrics": {"spend": {"outcome": "not identified", "sentence": SENTENCE, "look": 2}}}


def page_of(settings: Settings, result: dict[str, Any] | None) -> str:
    write_campaign(settings.campaigns_folder, SIMPLE)
    if result is not None:
        settings.paths.campaign_results.mkdir(exist_ok=True)
        (settings.paths.campaign_results / "simple.json").write_text(json.dumps(result))
    with open_console(settings) as client:
        return log_in(client, "viewer").get("/campaigns/simple").text


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def test_an_effect_is_a_sentence_before_a_picture(settings: Settings) -> None:
    page = page_of(settings, RESULT)
    assert page.index(EFFECT["sentence"]) < page.index('class="interval"')
    assert "2 of 2 looks done" in page


def test_what_is_not_identified_has_a_reason_and_no_picture(settings: Settings) -> None:
    page = page_of(settings, UNIDENTIFIED)
    assert "Not identified: the arms differ before the start (p &lt; .0001)." in page
    assert 'class="interval"' not in page
    assert 'class="verdict good"' not in page


def test_a_campaign_that_was_never_measured_names_the_next_step(settings: Settings) -> None:
    assert "Not measured yet" in page_of(settings, None)


def test_the_picture_keeps_the_order_of_the_numbers_and_shows_no_effect() -> None:
    harm = EFFECT | {"difference": -6.0, "low": -10.0, "high": -2.0}
    picture = picture_of(RESULT | {"metrics": {"spend": EFFECT, "visits": harm}})
    assert picture is not None
    assert [label for _, label in picture.ticks] == ["-10%", "+10%", "+20%"]
    assert picture.ticks[0][0] < picture.zero < picture.ticks[1][0]
    first, second = picture.intervals
    assert second.x_low < second.x_middle < second.x_high < picture.zero < first.x_low < first.x_middle < first.x_high


@pytest.mark.parametrize(("lift", "sentence", "verdict"), [(0.4, "Effect shown", "good"), (0.0, "Nothing visible", "")])
def test_a_measured_campaign_with_a_planted_effect_and_one_without(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, lift: float, sentence: str, verdict: str
) -> None:
    shares = {"message": 0.5, "holdout": 0.5}
    variants = drawn(shares)
    write_admission(settings.data, variants, lift)
    file = settings.data / "decisions.parquet"
    pq.write_table(decisions_of(variants, shares), file)
    monkeypatch.setenv("REACH_DATA", str(settings.data))
    looks = [look.isoformat() for look in LOOKS]
    assert main(["measure", "simple", "--decisions", str(file), "--metric", "spend", "--looks", *looks]) == 0
    page = page_of(settings, None)
    assert sentence in page
    assert f'class="verdict{" " + verdict if verdict else ""}"' in page
    assert 'class="interval"' in page
    assert "2 of 2 looks done" in page
