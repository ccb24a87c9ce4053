"""Rankers train on every purchase and every repeat candidate, and on a weighted sample of the rest."""

import numpy as np
import pytest

from ml.ranking.examples import RankingExamples, build
from scoring.candidates.retriever import Retriever
from scoring.customer.customer import Customer
from scoring.rank_features import NUMERIC
from tests.support.serving.small_bundle import buyer_features, small_catalogue

BUYERS = 300
QUOTAS = {"repeat_purchases": 5, "popular": 20}


class NoTower:
    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        return np.zeros((len(inputs["profile"]), 4), np.float32)


def examples(negatives: float) -> RankingExamples:
    """Customers who had p3 and p5 and then bought p3, p0 and one no longer sold; and one who bought nothing."""
    customers = [Customer.from_features(buyer_features("p3", "p5"))] * BUYERS
    ids = [str(row) for row in range(BUYERS)]
    labels = {customer_id: np.array(["p3", "p0", "gone"]) for customer_id in ids}
    rng = np.random.default_rng(1)
    retriever = Retriever(small_catalogue(), NoTower(), QUOTAS)
    return build(retriever, [*ids, "idle"], [*customers, Customer.empty()], labels, negatives, rng)


def test_without_thinning_every_candidate_stands_for_itself():
    found = examples(1.0)
    assert len(found.ends) == BUYERS  # who bought nothing afterwards teaches nothing
    assert found.ends[0] == 12
    assert set(found.weight) == {1.0}


def test_purchases_and_own_products_are_never_thinned():
    found = examples(0.25)
    certain = found.bought | found.is_repeat
    assert found.bought.sum() == 2 * BUYERS
    assert found.is_repeat.sum() == 2 * BUYERS
    assert set(found.weight[certain]) == {1.0}
    assert set(found.weight[~certain]) == {4.0}


def test_the_rest_is_thinned_and_stands_for_all_of_it():
    found = examples(0.25)
    rest = ~(found.bought | found.is_repeat)
    assert rest.sum() == pytest.approx(0.25 * 9 * BUYERS, rel=0.1)  # twelve candidates, three of them certain
    assert found.weight.sum() == pytest.approx(12 * BUYERS, rel=0.1)


def test_features_and_labels_stay_together():
    found = examples(0.25)
    selling = found.numeric[:, NUMERIC.index("product_buyers_4w")]  # p0 sells 12, p3 9, p5 7
    assert set(selling[found.bought]) == {12.0, 9.0}
    assert set(selling[found.is_repeat]) == {9.0, 7.0}


def test_what_could_have_been_found_counts_products_that_are_no_candidates():
    assert examples(1.0).relevant[0].tolist() == [3, 2]
