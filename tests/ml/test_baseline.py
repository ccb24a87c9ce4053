"""The baseline serves before anything could be trained, and empty sets give results."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from experiments.bootstrap import bootstrap
from ml.bundles.champion import comparable_champion
from ml.config import load_config
from ml.data.splits import Split
from ml.errors import NotEnoughDataError, RunError
from ml.evaluation.calibration import calibrate
from ml.evaluation.evaluated_run import chosen_ranker
from ml.evaluation.ground_truth import GroundTruth, RankedLists
from ml.evaluation.results import Results, load_lists
from ml.gate.gate import decide
from ml.gate.policy import load_policy
from ml.ranking.examples import holdout_lists, load_examples, train_holdout_split
from ml.retrieval import examples
from ml.retrieval.untrained import DIMENSIONS, write_untrained_towers
from ml.runs import artifacts
from ml.runs.not_enough_data import record_not_enough_data
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.candidates.customer_batch import CustomerBatch
from scoring.models.ranker import SLATES, Ranker
from scoring.models.two_tower import Tower
from scoring.request import RecommendationRequest
from scoring.reranking.baseline import recency_frequency_baseline
from scoring.schema import CONTENT, PROFILE
from scoring.vocabulary import Vocabulary
from settings import Settings
from tests.ml.bundles.test_champion import deploy, made_with
from tests.ml.gate.test_gate import change, winning
from tests.support.ml.small_run import write_run
from tests.support.scoring.random_shop import shop
from tests.support.serving.small_bundle import write_bundle

__all__ = ["winning"]


@pytest.fixture
def towers(tmp_path: Path) -> tuple[Tower, Tower]:
    values = {field: ["a", "b"] for field in CONTENT}
    write_untrained_towers(Vocabulary(values), tmp_path / "query.onnx", tmp_path / "candidate.onnx", 7)
    return Tower(tmp_path / "query.onnx"), Tower(tmp_path / "candidate.onnx")


def codes(*products: str) -> dict[str, np.ndarray]:
    """One letter a field in the order type, category, brand: '-' unknown; department and maker are unknown."""
    number = {"-": 0, "a": 1, "b": 2}
    fields = dict(zip(("product_type", "category", "brand"), zip(*products, strict=True), strict=True))
    return {
        field: np.array([number[letter] for letter in fields.get(field, "-" * len(products))], np.int32)
        for field in CONTENT
    }


def test_untrained_towers_put_products_of_one_type_nearer_than_those_of_one_category(towers: tuple[Tower, Tower]):
    vectors = towers[1](codes("aaa", "aab", "bab", "bbb"))
    same_type, same_category, nothing_shared = vectors[0] @ vectors[1:].T
    assert same_type > same_category > nothing_shared
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_products_of_which_nothing_is_known_and_customers_have_no_direction(towers: tuple[Tower, Tower]):
    assert not towers[1](codes("---", "---")).any()
    assert towers[0]({"profile": np.ones((3, len(PROFILE)), np.float32)}).tolist() == [[0.0] * DIMENSIONS] * 3


def test_a_baseline_gives_everybody_the_rules_list_and_says_so():
    model, baseline = shop(3).recommender, shop(3, baseline=True).recommender
    customer = shop(3).customers[1]
    block = CustomerBatch.of([customer], baseline.catalogue, np.zeros((1, 6), np.float32))
    for slate in SLATES:
        answer = baseline.recommend(customer, RecommendationRequest(slate, 8))
        positions, _ = recency_frequency_baseline(block, 0, slate, 8)
        assert [item.product_id for item in answer.items] == [baseline.catalogue.product_ids[i] for i in positions]
        assert answer.fallback == "baseline"
        assert model.recommend(customer, RecommendationRequest(slate, 8)).fallback is None


def test_a_baseline_is_no_opponent_beside_the_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settings = Settings(data=tmp_path / "data")
    deploy(settings, made_with(write_bundle(tmp_path / "bundle", "v1"), baseline="3 of 150 customers."), "v1")
    now, evaluated = datetime(2018, 2, 12, 5), datetime(2018, 1, 15, 5)
    spec = RunSpec("r", date(2018, 2, 12), 7, "", "f", load_config(), Split(now, evaluated, [], []))
    assert comparable_champion(settings, spec) is None
    assert "v1 is a baseline, so the baselines are the opponents." in capsys.readouterr().out


def test_a_score_nobody_can_be_evaluated_on_keeps_a_challenger_out_in_words(winning):
    unknown = bootstrap(np.full(5, np.nan), 7)
    evidence = change(winning, "popularity", "explore Recall@100", unknown)
    evidence = change(evidence, "champion", "explore Recall@100", unknown)
    decision = decide("reach", replace(evidence, calibration={"all": 0.006, "explore": float("nan")}), load_policy())
    assert not decision.publish
    assert decision.reasons[:2] == (
        "explore Recall@100 cannot be evaluated: no customer bought a product that it counts.",
        "Purchase probabilities of explore cannot be checked: nothing was listed.",
    )
    assert "nan" not in " ".join(decision.reasons)


def test_customers_without_a_first_purchase_make_a_snapshot_without_examples():
    shelf = {field: np.ones(1, np.int32) for field in ("product_id", *CONTENT)}
    activity = np.zeros((1, 30), np.float32)
    found = examples.build([], [], {"p0": 0}, shelf, activity, sequences=True)
    assert (found.positives, found.frequency.tolist()) == (0, [0.0])


@pytest.mark.parametrize("customers", [2, 3, 40])
def test_of_two_lists_or_more_at_least_one_trains_and_one_is_held_out(customers: int):
    run_examples = [type("Part", (), {"ends": np.zeros(customers)})()]
    for seed in range(50):
        trains, out = train_holdout_split(run_examples, 0.1, np.random.default_rng(seed))
        assert trains
        assert out
        assert len(trains) + len(out) == customers


def test_a_slate_without_lists_has_no_calibration_instead_of_an_error(tmp_path: Path):

    run = write_run(tmp_path / "runs")
    spec = RunSpec.read(run)
    snapshots = load_examples(run, spec)
    shown = RankedLists.of([np.array([0])], [np.array([0.5])])
    nothing = RankedLists.of([np.zeros(0, np.int64)], [np.zeros(0)])
    truth = GroundTruth(["c"], [np.array([0])], [np.array([0])], np.zeros(1, int))
    ranker = Ranker(chosen_ranker(run)[1])
    found = calibrate(snapshots, holdout_lists(snapshots, spec), ranker, truth, {"all": shown, "explore": nothing})
    assert found["all"].evaluated_on == 1
    assert found["explore"].bins == []
    assert np.isnan(found["explore"].ece)


def test_customers_who_bought_everything_leave_an_explore_slate_without_rows(tmp_path: Path):
    shown, nothing = (
        RankedLists.of([np.array([0])], [np.array([0.5])]),
        RankedLists.of([np.zeros(0, np.int64)], [np.zeros(0)]),
    )
    results = Results(["c"], {"reach": {}}, {}, {}, "dlrm", None)
    results.save_lists(tmp_path / "lists.parquet", {"reach": {"all": shown, "explore": nothing}}, ["p0"])
    [row] = pq.read_table(tmp_path / "lists.parquet").to_pylist()
    assert (row["method"], row["slate"], row["customer_id"], row["product_id"]) == ("reach", "all", "c", "p0")
    assert list(load_lists(tmp_path / "lists.parquet", ["c"], ["p0"])["reach"]) == ["all"]


def test_what_a_run_without_training_lacks_is_missing_for_its_reason(tmp_path: Path):
    run = Run(tmp_path, "r1")
    record_not_enough_data(run, "build-dataset", "Too few customers to evaluate: 37.")
    with pytest.raises(
        RunError, match=r"has no evaluation, because it trained or evaluated nothing\. Too few customers"
    ):
        run.path(artifacts.EVALUATION)


def test_one_list_is_too_few_for_a_ranker(tmp_path: Path):
    from ml.ranking.train import train  # TensorFlow

    run = write_run(tmp_path / "runs")
    spec = RunSpec.read(run)
    [whole] = load_examples(run, spec)
    cut = {name: getattr(whole, name)[:3] for name in ("numeric", "categorical", "bought", "is_repeat", "weight")}
    one = replace(whole, **cut, ends=whole.ends[:1], relevant=whole.relevant[:1])
    vocabulary = Vocabulary.load(run.path(artifacts.RETRIEVAL) / "model/vocabulary.json")
    with pytest.raises(NotEnoughDataError, match="Too few lists to train on"):
        train("dlrm", [one], vocabulary, spec.config.ranking, 7, tmp_path)
