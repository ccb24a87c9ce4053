"""The advice about planted effects, and what is left out of the comparison."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from online_experiments.__main__ import main
from online_experiments.analysis.advice import Advice
from online_experiments.analysis.analyse import Result, analyse
from online_experiments.announcement import Announcement
from online_experiments.errors import OnlineExperimentError
from settings import Settings
from tests.support.online_experiments.announced import announced, variants
from tests.support.online_experiments.exposed_shop import IDS, assigned, exposures, write_shop, write_warehouse

MEASURE = {"primary": "spend", "smallest_effect": 0.05, "guardrails": ["clicks"]}
RUNNING = announced(longest_days=28, measure=MEASURE)


def measured(data: Path, lift: float = 0.0, click_lift: float = 0.0) -> Result:
    return analyse(write_shop(data, RUNNING, lift, click_lift), RUNNING)


def advice(result: Result) -> Advice:
    return result.variants["model"].advised.advice


def test_a_planted_effect_is_shipped_with_an_interval_that_holds_it(tmp_path: Path) -> None:
    result = measured(tmp_path, lift=0.25)
    verdict = result.variants["model"].verdicts["spend"]
    assert advice(result) is Advice.SHIP
    assert verdict.effect is not None
    assert verdict.interval is not None
    assert verdict.interval[0] < 0.25 * verdict.effect.control_mean < verdict.interval[1]
    assert verdict.effect.covariates == 4
    assert (result.looks_done, len(result.days)) == (28, 28)
    assert result.sentences["model"].startswith("Ship it. Effect shown at look ")


def test_harm_of_the_primary_metric_or_of_a_guardrail_stops(tmp_path: Path) -> None:
    assert advice(measured(tmp_path / "spend", lift=-0.25)) is Advice.STOP
    result = measured(tmp_path / "clicks", lift=0.25, click_lift=-0.5)
    assert advice(result) is Advice.STOP
    assert result.harm is not None
    assert "clicks -" in result.harm


def test_nothing_planted_cannot_be_told_and_the_weeks_are_named(tmp_path: Path) -> None:
    small = announced(measure=MEASURE | {"smallest_effect": 0.01})
    advised = analyse(write_shop(tmp_path, small), small).variants["model"].advised
    assert advised.advice is Advice.CANNOT_DECIDE
    assert advised.weeks_needed is not None
    assert f"you would need {advised.weeks_needed} weeks to show 1.0%, and 28 days are planned" in advised.sentence


def test_an_effect_that_is_outside_the_interval_keeps_the_control(tmp_path: Path) -> None:
    large = announced(measure=MEASURE | {"smallest_effect": 0.6})
    result = analyse(write_shop(tmp_path, large), large)
    assert advice(result) is Advice.KEEP_CONTROL


def test_customers_of_one_arm_that_are_missing_block_every_number(tmp_path: Path) -> None:
    settings = write_shop(tmp_path, RUNNING, lift=0.25)
    variant = assigned(RUNNING)
    lost = IDS[(variant == "model") & (np.arange(len(IDS)) % 3 == 0)]
    rows = exposures(RUNNING, variant)
    write_warehouse(settings, rows.filter(pa.compute.invert(pa.compute.is_in(rows["customer_id"], pa.array(lost)))))
    result = analyse(settings, RUNNING)
    assert advice(result) is Advice.NOT_IDENTIFIED
    assert "the sample ratio fails" in result.sentences["model"]
    assert all(verdict.effect is None for verdict in result.variants["model"].verdicts.values())


def test_testers_are_left_out_and_assigned_customers_without_an_answer_do_not_count(tmp_path: Path) -> None:
    settings, rows = write_shop(tmp_path, RUNNING), exposures(RUNNING, assigned(RUNNING))
    is_override = np.zeros(len(rows), bool)
    is_override[[0, 3]] = True  # two customers
    rows = rows.set_column(rows.column_names.index("is_override"), "is_override", pa.array(is_override))
    write_warehouse(settings, rows.slice(0, 900))
    result = analyse(settings, RUNNING)
    assert sum(result.counts.values()) == 298
    assert result.exposed.testers == 2


def test_a_customer_with_two_variants_blocks_every_number(tmp_path: Path) -> None:
    settings, rows = write_shop(tmp_path, RUNNING), exposures(RUNNING, assigned(RUNNING))
    variant = rows["variant"].to_pylist()
    variant[1] = "rule" if variant[0] == "model" else "model"
    write_warehouse(settings, rows.set_column(rows.column_names.index("variant"), "variant", pa.array(variant)))
    result = analyse(settings, RUNNING)
    assert advice(result) is Advice.NOT_IDENTIFIED
    assert "1 customers had two variants" in result.sentences["model"]


def test_clicks_count_answers_before_a_look_only(tmp_path: Path) -> None:
    settings, rows = write_shop(tmp_path, RUNNING), exposures(RUNNING, assigned(RUNNING))
    exposed = analyse(settings, RUNNING).exposed
    at, clicked = (rows[name].to_numpy().astype("datetime64[us]") for name in ("exposed_at", "clicked_at"))
    look = np.datetime64("2017-10-08T04:00:00", "us")
    answers, found = ((at < look).reshape(-1, 3), (clicked < look).reshape(-1, 3))
    expected = found.sum(axis=1) / np.maximum(answers.sum(axis=1), 1)
    assert exposed.clicks(look.item()) == pytest.approx(expected)


def test_an_experiment_on_clicks_needs_no_receipts(tmp_path: Path) -> None:
    on_clicks = announced(measure={"primary": "clicks", "smallest_effect": 0.05})
    settings = Settings(data=tmp_path)
    write_warehouse(settings, exposures(on_clicks, assigned(on_clicks), click_lift=0.5))
    result = analyse(settings, on_clicks)
    assert advice(result) is Advice.SHIP
    assert list(result.variants["model"].verdicts) == ["clicks"]
    with pytest.raises(Exception, match="Nothing is admitted"):
        analyse(settings, RUNNING)


def test_looks_after_the_stop_or_without_data_are_not_made(tmp_path: Path) -> None:
    settings = write_shop(tmp_path, RUNNING)
    stopped = RUNNING.model_copy(update={"stopped_at": RUNNING.starts_at.replace(day=9, hour=20)})
    assert analyse(settings, stopped).looks_done == 7
    write_warehouse(settings, exposures(RUNNING, assigned(RUNNING)), RUNNING.starts_at.replace(hour=20))
    late = analyse(settings, RUNNING)
    # Exposures of later days are newer than the last event, so the feedback is known until then.
    assert late.looks_done == 10


def test_several_variants_are_compared_with_the_control_each(tmp_path: Path) -> None:
    three = announced(variants=variants(rule={"serve": "baseline"}, model={}, wide={"diversity": 0.5}), measure=MEASURE)
    result = analyse(write_shop(tmp_path, three), three)
    assert list(result.variants) == ["model", "wide"]
    assert "97.5% interval" in result.sentences["wide"]


def announce_in(settings: Settings, announcement: Announcement) -> Path:
    """Write an announcement, and return its file."""
    folder = settings.paths.announced_experiments
    folder.mkdir()
    file = folder / f"{announcement.id}.json"
    file.write_text(announcement.model_dump_json())
    return file


def test_the_command_gives_the_same_answer_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = write_shop(tmp_path, RUNNING, lift=-0.25)
    announce_in(settings, RUNNING)
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    answers = []
    for _ in range(2):
        assert main(["analyse"]) == 0
        answers.append(json.loads(capsys.readouterr().out.splitlines()[-1]))
    assert answers[0] == answers[1]
    kept = json.loads((settings.paths.experiment_results / "rule-or-model.json").read_text())
    assert kept == answers[0]["rule-or-model"]
    assert kept["variants"]["model"]["advice"] == "stop for harm"


@pytest.mark.parametrize("stops", [True, False])
def test_harm_stops_a_running_experiment_if_its_file_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    running = announced(measure=MEASURE | {"stop_on_harm": stops})
    settings = write_shop(tmp_path, running, lift=-0.25)
    file, now = announce_in(settings, running), running.ends_at - timedelta(days=3)
    write_warehouse(settings, exposures(running, assigned(running)), now)
    for module in ("commands.analyse", "announcement"):
        monkeypatch.setattr(f"online_experiments.{module}.utc_now", lambda: now)
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    assert main(["analyse", "rule-or-model"]) == 0
    found = Announcement.model_validate_json(file.read_text())
    assert found.stopped_at == (now if stops else None)
    assert (found.stop_reason or "").startswith("Stop for harm. Harm at look " if stops else "")


def test_without_exposures_the_command_names_the_next_step(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with pytest.raises(OnlineExperimentError, match=r"cannot be read.*Run 'make feedback'"):
        analyse(settings, RUNNING)
    write_warehouse(settings, exposures(RUNNING, assigned(RUNNING)).slice(0, 0))
    with pytest.raises(OnlineExperimentError, match="No customer is exposed to 'rule-or-model' yet"):
        analyse(settings, RUNNING)
