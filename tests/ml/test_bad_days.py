"""Bad days end in a sentence, and nothing that was half done is left behind."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from core.command import ExitCode
from ml.__main__ import main
from ml.config import Config, read_sources
from ml.data.splits import Split
from ml.errors import DivergenceError
from ml.runs import artifacts
from ml.runs.not_enough_data import not_enough_data, record_not_enough_data
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from ml.steps.evaluate import evaluate
from ml.steps.gate import gate
from ml.steps.train_ranker import train_ranker
from ml.steps.train_retrieval import train_retrieval
from settings import Settings
from tests.support.ml.small_run import JUDGED, found, page, write_run

FAR = 1e30
"""A learning rate with which every weight overflows a float."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    return Settings(data=tmp_path / "data")


@pytest.fixture
def run(settings: Settings) -> Run:
    return write_run(settings.paths.runs)


def configure(run: Run, change: Callable[[Config], dict[str, Any]], **spec: Any) -> None:
    before = RunSpec.read(run)
    replace(before, config=before.config.model_copy(update=change(before.config)), **spec).write(run)


def evaluate_only(run: Run, customer_ids: Sequence[str]) -> None:
    """Let no other customer buy in the evaluation window."""
    path = run.path(artifacts.DATASET) / "labels.parquet"
    labels = pq.read_table(path)
    pq.write_table(labels.filter(pc.is_in(labels["customer_id"], pa.array(customer_ids, pa.string()))), path)


def left(run: Run) -> set[str]:
    """Everything in the run's folder, hidden files too."""
    return {path.name for path in run.folder.iterdir()}


def test_a_diverging_ranker_names_its_configuration_and_leaves_nothing(run: Run):
    configure(run, lambda config: {"ranking": config.ranking.model_copy(update={"learning_rate": FAR})})
    before = left(run)
    with pytest.raises(
        DivergenceError, match=r"'dlrm' became (nan|inf) in (history )?epoch \d with .*learning_rate=1e\+30"
    ):
        train_ranker(run, "dlrm")
    assert left(run) == before


def test_diverging_towers_name_their_configuration_and_leave_nothing(run: Run):
    cuts = Split(JUDGED, JUDGED, [JUDGED], [JUDGED])
    configure(run, lambda config: {"retrieval": config.retrieval.model_copy(update={"learning_rate": FAR})}, split=cuts)
    towers = sorted(path.read_bytes() for path in run.path(artifacts.RETRIEVAL).rglob("*.onnx"))
    before = left(run)
    where = r"epoch \d \((masked histories|new purchases)\)"
    with pytest.raises(DivergenceError, match=rf"'pooled' became (nan|inf) in {where} with .*learning_rate=1e\+30"):
        train_retrieval(run)
    assert left(run) == before
    assert sorted(path.read_bytes() for path in run.path(artifacts.RETRIEVAL).rglob("*.onnx")) == towers


def test_a_window_with_few_customers_is_not_enough_evidence(run: Run, settings: Settings):
    evaluate_only(run, ["3", "7"])
    evaluate(settings, run)
    decision = gate(run)
    assert not decision["publish"]
    assert decision["reasons"][0].startswith("Not enough evidence: 2 customers could be evaluated")
    assert "Not enough evidence: 2 customers" in page(run)


def test_a_window_with_nobody_leaves_the_lists_to_the_rule_without_an_alarm(
    run: Run, capsys: pytest.CaptureFixture[str]
):
    evaluate_only(run, [])
    assert main(["evaluate", "--run-id", run.run_id]) == ExitCode.NOTHING_TO_DO
    because = "No customer bought both before and after 2017-12-04"
    assert because in capsys.readouterr().out
    assert "evaluation" not in left(run)
    assert main(["gate", "--run-id", run.run_id]) == 0
    assert because in page(run)
    assert found(run, artifacts.GATE)["reasons"][0].startswith(because)


def test_after_too_little_the_next_steps_have_nothing_to_do_and_the_same_step_tries_again(
    run: Run, capsys: pytest.CaptureFixture[str]
):
    record_not_enough_data(run, "select-ranker", "No list was held out.")
    assert main(["evaluate", "--run-id", run.run_id]) == ExitCode.NOTHING_TO_DO
    assert "Nothing to do. No list was held out." in capsys.readouterr().out
    record_not_enough_data(run, "evaluate", "Nobody bought anything.")
    assert main(["evaluate", "--run-id", run.run_id]) == 0
    assert not_enough_data(run) is None


def test_customers_who_bought_every_product_end_in_a_verdict_and_a_report(run: Run, settings: Settings):
    path = run.path(artifacts.DATASET) / "customers.parquet"
    customers = pq.read_table(path)
    products = pq.read_table(run.path(artifacts.DATASET) / "products.parquet")["product_id"].unique()
    for name in (name for name in customers.column_names if name.startswith("customer_history__")):
        kind = customers.schema.field(name).type
        whole = products.to_pylist() if name.endswith("product_ids") else [1.0] * len(products)
        column = pa.array([whole] * len(customers), kind)
        customers = customers.set_column(customers.column_names.index(name), name, column)
    pq.write_table(customers, path)
    evaluate(settings, run)
    decision = gate(run)
    assert not decision["publish"]
    assert "explore" in found(run, artifacts.RUN)["results"]["candidates"]
    assert "Every method on the same customers" in page(run)
    assert not re.findall(r"<td>[^<]*nan", page(run))


def test_a_source_that_returns_nothing_is_reported_and_the_run_goes_on(
    run: Run, settings: Settings, capsys: pytest.CaptureFixture[str]
):
    silent = read_sources({"matrix_factorization": {"quota": 10, "n_factors": 0}})  # nothing is fitted for it
    configure(run, lambda config: {"sources": config.sources | silent})
    evaluate(settings, run)
    gate(run)
    assert "continues without them: matrix_factorization\n" in capsys.readouterr().out
    assert "Sources without a candidate: matrix_factorization." in page(run)
    assert found(run, artifacts.RUN)["results"]["candidates"]["size"] > 0


def test_the_other_sources_are_not_called_silent(run: Run, settings: Settings, capsys: pytest.CaptureFixture[str]):
    evaluate(settings, run)
    assert "proposed no candidate" not in capsys.readouterr().out
