"""The training benchmark compares loops on the same pairs."""

import pytest

from benchmarks import training
from ml.data.dataset import Dataset
from ml.runs.artifacts import DATASET
from ml.runs.spec import RunSpec
from tests.support.benchmarks.small_run import CUSTOMERS, PRODUCTS, bought, own, write_run


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> training.Pairs:
    run = write_run(tmp_path_factory.mktemp("data") / "runs")
    return training.pairs(Dataset(run.path(DATASET)), RunSpec.read(run))


def test_a_pair_is_a_first_purchase_with_the_history_before_it(pairs):
    found = [
        (pairs.histories[row].tolist(), product) for row, product in zip(pairs.customer, pairs.product, strict=True)
    ]
    wanted = [(row, p) for row in range(len(CUSTOMERS)) for p in bought(row) if p not in own(row)]
    assert [product for _, product in found] == [PRODUCTS[p] for _, p in wanted]
    for (history, _), (row, _) in zip(found, wanted, strict=True):
        assert [p for p in history if p] == [PRODUCTS[p] for p in own(row)]  # what weighs most is first


def test_ratios_are_reach_over_the_tutorial():
    said = training.summary({"reach": 100.0, "tutorial": 20.0, "tutorial_without_metric": 50.0})
    assert said["ratio"] == 5.0
    assert said["ratio_without_metric"] == 2.0
    assert said["tutorial_examples_per_second"] == 20.0


@pytest.mark.parametrize("with_metric", [True, False])
def test_the_tutorials_loop_trains_on_the_pairs_until_the_time_is_up(pairs, with_metric):
    assert training.tutorial(pairs, seconds=0.0, with_metric=with_metric) > 0
