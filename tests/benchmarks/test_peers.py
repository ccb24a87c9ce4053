"""Peers are fitted fairly and compared on the same customers."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.peers import PEERS, ease, ease_hybrid, own_frequency, popularity, tifu_knn
from benchmarks.peers.data import PeerData
from benchmarks.run_files import lists_of
from ml.errors import RunError
from ml.evaluation.ground_truth import evaluate_lists
from ml.evaluation.results import Results
from ml.runs import artifacts
from ml.runs.run import Run
from settings import ROOT
from tests.support.benchmarks.small_run import own, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """With Reach's lists: decayed own frequency under another name."""
    run = write_run(tmp_path_factory.mktemp("data") / "runs")
    data = PeerData.of(run)
    methods = {"reach": own_frequency.fit_and_list(data), "popularity": popularity.fit_and_list(data)}
    results = Results(data.window.truth.customer_ids, {}, {}, {}, "dlrm", None)
    results.save_lists(run.folder / artifacts.LISTS, methods, data.catalogue.product_ids)
    return run


@pytest.fixture(scope="module")
def data(run: Run) -> PeerData:
    return PeerData.of(run)


def test_purchases_lie_at_their_customer_and_product(data):
    dense = data.purchases("decayed_120d").toarray()
    assert np.flatnonzero(dense[5]).tolist() == own(5)
    assert dense[5, own(5)] == pytest.approx([1 / (1 + p) for p in own(5)])
    assert set(data.purchases().data) == {1.0}


def test_ties_go_to_the_more_popular_product_and_explore_leaves_out_what_the_customer_had(data):
    slates = data.slates(lambda rows: np.tile(np.where(np.arange(12) == 7, 1.0, 0.0), (len(rows), 1)))
    assert slates["all"].positions[0, :12].tolist() == [7, 0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert slates["explore"].positions[0, :8].tolist() == [7, *(p for p in range(12) if p not in [*own(0), 7])]
    assert slates["explore"].positions[0, 8] == -1  # four are the customer's own


def test_a_tie_at_the_lists_end_goes_to_the_more_popular_product(data, monkeypatch):
    monkeypatch.setattr("benchmarks.peers.data.DEPTH", 3)
    slates = data.slates(lambda rows: np.tile(np.where(np.arange(12) == 11, 1.0, 0.0), (len(rows), 1)))
    assert slates["all"].positions[0, :3].tolist() == [11, 0, 1]


def test_ease_solves_the_weighted_problem_exactly(data, monkeypatch):
    """Against the closed form of the paper's eq. 8, on the products' side: B = I - P / diag(P)."""
    seen = []
    monkeypatch.setattr(PeerData, "slates", lambda self, score: seen.append(score(np.arange(8))))
    ease._slates(data, 2.0)
    x = np.sqrt(data.purchases("decayed_120d").toarray().astype(np.float64))
    p = np.linalg.inv(x.T @ x + 2.0 * np.eye(12))
    b = np.eye(12) - p / np.diag(p)
    assert seen[0] == pytest.approx(x @ b, abs=1e-5)


def test_the_hybrid_adds_frequency_ease_and_popularity(data, monkeypatch):
    seen = []
    monkeypatch.setattr(PeerData, "slates", lambda self, score: seen.append(score(np.arange(8))))
    ease_hybrid.fit_and_list(data)
    frequency = data.purchases("decayed_120d").toarray().astype(np.float64)
    x = np.sqrt(frequency)
    p = np.linalg.inv(x.T @ x + 300.0 * np.eye(12))
    b = np.eye(12) - p / np.diag(p)
    assert seen[0] == pytest.approx(frequency + 2.0 * x @ b + 0.3 * data.catalogue.popularity_share, abs=1e-5)


def test_tifu_mixes_own_frequencies_with_the_neighbours_but_never_with_oneself(data, monkeypatch):
    monkeypatch.setattr(tifu_knn, "NEIGHBOURS", 1)
    seen = []
    monkeypatch.setattr(PeerData, "slates", lambda self, score: seen.append(score(np.arange(8))))
    tifu_knn.fit_and_list(data)
    x = data.purchases("decayed_120d").toarray() / 2.0  # two baskets each
    distances = ((x[:, None] - x[None]) ** 2).sum(axis=2) + np.diag([np.inf] * 8)
    assert seen[0] == pytest.approx(0.7 * x + 0.3 * x[distances.argmin(axis=1)], abs=1e-6)


def test_lists_come_back_from_a_run_as_they_were_evaluated(run, data):
    back = lists_of(run.path(artifacts.LISTS), "popularity", data.window.truth, data.catalogue.index)
    kept = popularity.fit_and_list(data)
    for slate in ("all", "explore"):
        assert np.array_equal(back[slate].positions, kept[slate].positions)
    with pytest.raises(RunError, match="no lists of 'nobody'"):
        lists_of(run.path(artifacts.LISTS), "nobody", data.window.truth, data.catalogue.index)


def test_one_command_evaluates_every_method_on_the_same_customers(run, data, monkeypatch, capsys):
    monkeypatch.setenv("REACH_DATA", str(run.folder.parent.parent))
    asked = ["--run-id", run.run_id, "--no-training", "--peers", "decayed own frequency", "popularity"]
    assert quality.main(asked) == 0
    table = json.loads(run.path(quality.TABLE).read_text())
    assert list(table["methods"]) == ["reach", "decayed own frequency", "popularity"]
    row = table["methods"]["popularity"]
    mine = {name: np.nanmean(v) for name, v in evaluate_lists(data.window.truth, popularity.fit_and_list(data)).items()}
    assert {name: found["mean"] for name, found in row["scores"].items()} == pytest.approx(mine)
    # Reach's lists are own frequency's here: no difference to it, and the same one to popularity as it has.
    same, other = table["methods"]["decayed own frequency"], row["reach_minus_this"]["all NDCG@10"]
    assert same["reach_minus_this"]["all NDCG@10"]["mean"] == 0.0
    assert other["mean"] == pytest.approx(same["scores"]["all NDCG@10"]["mean"] - mine["all NDCG@10"])
    assert row["peak_mib"] > 1
    assert table["methods"]["reach"]["seconds"] is None
    assert not [path for path in run.folder.iterdir() if path.name.startswith(".bench")]
    printed = capsys.readouterr().out
    assert "reach minus this" in printed
    assert f"{mine['all NDCG@10']:.4f}" in printed


def test_a_run_without_lists_is_refused_with_the_next_step(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    assert quality.main(["--run-id", "none"]) == 1
    assert "python -m ml evaluate" in capsys.readouterr().err


def test_every_peer_has_its_file():
    files = {path.stem for path in Path(ROOT / "benchmarks" / "peers").glob("*.py")}
    assert set(PEERS.values()) == files - {"__init__", "__main__", "data", "reach"}


def test_als_finds_the_side_a_customer_buys_on(data, monkeypatch):
    pytest.importorskip("implicit", reason="the dependency group 'peers'")
    from benchmarks.peers import implicit_als

    monkeypatch.setattr(implicit_als, "FACTORS", 2)
    lists = implicit_als.fit_and_list(data)["explore"].positions
    assert {int(p) % 2 for p in lists[0, :2]} == {0}  # the two even products that customer 0 does not have
    assert {int(p) % 2 for p in lists[7, :2]} == {1}


def test_lambdarank_learns_from_each_customers_own_candidates():
    pytest.importorskip("lightgbm", reason="the dependency group 'peers'")
    from benchmarks.peers import lightgbm_lambdarank as lambdarank
    from ml.ranking.examples import RankingExamples
    from scoring.rank_features import CATEGORICAL, NUMERIC

    rng = np.random.default_rng(0)
    numeric = rng.normal(size=(4000, len(NUMERIC))).astype(np.float32)
    numeric[:, 1] = np.tile([0.0, 1.0], 2000)  # what is bought among new products, the opposite among own ones
    is_repeat = np.tile([True, True, False, False], 1000)
    bought = np.where(is_repeat, numeric[:, 1] == 0, numeric[:, 1] == 1)
    categorical = np.zeros((4000, len(CATEGORICAL)), np.int32)
    part = RankingExamples(
        numeric,
        categorical,
        bought,
        is_repeat,
        np.ones(len(bought), np.float32),
        np.arange(40, 4001, 40),
        np.full((100, 2), 4),
    )
    trees = lambdarank.Trees([lambdarank.fit([part], new_only, seed=7, rounds=20) for new_only in (False, True)])
    scores = trees(numeric, categorical)
    new = ~is_repeat
    assert scores[new & bought, 1].min() > scores[new & ~bought, 1].max()
    assert scores[bought, 0].mean() > scores[~bought, 0].mean()


def test_a_peer_that_fails_ends_the_command_and_leaves_no_table(tmp_path, monkeypatch, capsys):
    run = write_run(tmp_path / "runs")
    (run.folder / artifacts.LISTS).touch()
    (run.folder / artifacts.DATASET / "labels.parquet").unlink()
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    assert quality.main(["--run-id", run.run_id, "--peers", "popularity"]) == 1
    assert "popularity failed" in capsys.readouterr().err
    assert not (run.folder / quality.TABLE).exists()
