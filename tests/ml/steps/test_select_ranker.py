"""Rankers compete on lists that none of them learned from; their ensemble competes too."""

from collections.abc import Sequence
from dataclasses import replace
from math import log2
from pathlib import Path

import numpy as np
import pytest

from ml.ranking.ensemble import ENSEMBLE, write_ensemble
from ml.ranking.examples import ListRef, RankingExamples, holdout_lists, load_examples
from ml.ranking.holdout_metrics import holdout_metrics
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from ml.steps.select_ranker import select_ranker
from scoring.bundle import RANKER
from scoring.models.ranker import Ranker
from scoring.rank_features import CATEGORICAL, NUMERIC
from tests.support.ml.small_run import write_run
from tests.support.serving.small_bundle import write_bundle

OWN = NUMERIC.index("repeat_decayed_120d")


def model(folder: Path, weight: float) -> Path:
    """A ranker whose `all` is `weight` x repeat_decayed_120d."""
    return write_bundle(folder, "v1", weight=weight) / RANKER


def test_the_ensemble_is_the_mean_of_its_rankers_logits(tmp_path: Path):
    rankers = [model(tmp_path / str(weight), weight) for weight in (1.0, 3.0, 11.0)]
    write_ensemble(rankers, tmp_path / "ensemble.onnx")
    rng = np.random.default_rng(1)
    features = rng.normal(size=(6, len(NUMERIC))).astype(np.float32), np.zeros((6, len(CATEGORICAL)), np.int32)
    expected = np.mean([Ranker(path)(*features) for path in rankers], axis=0)
    np.testing.assert_allclose(Ranker(tmp_path / "ensemble.onnx")(*features), expected, rtol=1e-5)


def test_held_out_scores_are_those_of_the_chosen_lists():
    # The second customer: own product a, then new b, c, d; a, c and a new product outside the candidates were bought.
    # Scored a 1, b 2, c 3, d 4: all is d c b a (hits at 2 and 4 of three relevant), explore d c b (hit at 2 of two).
    part = RankingExamples(
        numeric=np.array([[9], [9], [1], [2], [3], [4]], np.float32),
        categorical=np.zeros((6, 1), np.int32),
        bought=np.array([1, 1, 1, 0, 1, 0], bool),
        is_repeat=np.array([0, 0, 1, 0, 0, 0], bool),
        weight=np.ones(6, np.float32),
        ends=np.array([2, 6]),
        relevant=np.array([[2, 2], [3, 2]]),
    )
    scores = holdout_metrics([part], [(0, 1)], lambda numeric, _: np.repeat(numeric, 2, axis=1))
    assert scores["all NDCG@10"] == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / log2(4)))
    assert scores["all Recall@20"] == pytest.approx(2 / 3)
    assert scores["explore NDCG@20"] == pytest.approx((1 / log2(3)) / (1 + 1 / log2(3)))
    assert scores["explore Recall@100"] == pytest.approx(1 / 2)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Three rankers; bought products have a high feature in held-out lists, a low one in training lists."""
    run = write_run(tmp_path / "runs")
    spec = RunSpec.read(run)
    [examples] = load_examples(run, spec)
    with run.publish_folder(artifacts.CANDIDATES) as folder:
        told(examples, holdout_lists([examples], spec)).save(folder / "0")
    names = spec.config.ranking.rankers
    assert len(names) == 3
    for name, weight in zip(names, (-10.0, 10.0, -10.0), strict=True):
        with run.publish_folder(artifacts.ranker_folder(name)) as folder:
            (folder / RANKER).parent.mkdir()
            (folder / RANKER).write_bytes(model(tmp_path / name, weight).read_bytes())
    return run


def told(examples: RankingExamples, held_out: Sequence[ListRef]) -> RankingExamples:
    assert 0 < len(held_out) < len(examples.ends) / 2
    numeric = np.zeros(examples.numeric.shape, np.float32)
    for row in range(len(examples.ends)):
        rows = examples.rows(row)
        bought = np.asarray(examples.bought[rows])
        numeric[rows, OWN] = bought if (0, row) in held_out else ~bought
    return replace(examples, numeric=numeric)


def test_the_best_on_held_out_lists_is_chosen(run: Run):
    names = RunSpec.read(run).config.ranking.rankers
    assert select_ranker(run) == {"ranker": names[1], "left_out": []}
    record = run.read_json(artifacts.RANKERS)
    assert record["chosen"] == names[1]
    assert set(record["scores"]) == {*names, ENSEMBLE}
    assert record["scores"][names[1]]["all NDCG@10"] == 1.0
    assert record["scores"][names[0]]["all NDCG@10"] < 1.0
    chosen, trained = run.path(artifacts.SELECTED_RANKER) / RANKER, run.path(artifacts.ranker_folder(names[1])) / RANKER
    assert chosen.read_bytes() == trained.read_bytes()


def test_a_ranker_that_the_run_was_not_prepared_with_is_named_and_can_be_taken_in(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    names = RunSpec.read(run).config.ranking.rankers
    with run.publish_folder(artifacts.ranker_folder("final_mlp")) as folder:
        (folder / RANKER).parent.mkdir()
        (folder / RANKER).write_bytes(model(tmp_path / "final_mlp", 20.0).read_bytes())
    assert select_ranker(run)["left_out"] == ["final_mlp"]
    assert "--also final_mlp' adds it" in capsys.readouterr().out
    assert "final_mlp" not in run.read_json(artifacts.RANKERS)["scores"]
    assert select_ranker(run, ["final_mlp"])["left_out"] == []
    assert set(run.read_json(artifacts.RANKERS)["scores"]) == {*names, "final_mlp", ENSEMBLE}
