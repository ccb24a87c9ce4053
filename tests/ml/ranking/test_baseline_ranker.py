"""The baseline as a bundle gives the same lists as the baseline of the evaluation."""

from pathlib import Path

import numpy as np

from ml.evaluation.baselines import own_frequency
from ml.ranking.baseline_ranker import CANDIDATES_PER_SOURCE, write_baseline_ranker
from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.retriever import Retriever
from scoring.customer.customer import Customer
from scoring.models.ranker import Ranker
from scoring.recommender import Recommender
from tests.support.serving.small_bundle import buyer_features, small_catalogue


class NoTower:
    """The rule asks for no vectors."""

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        return np.zeros((len(inputs["profile"]), 4), np.float32)


def test_the_served_rule_gives_the_evaluated_rules_lists(tmp_path: Path):
    write_baseline_ranker(tmp_path / "rule.onnx")
    catalogue = small_catalogue()
    recommender = Recommender(Retriever(catalogue, NoTower(), CANDIDATES_PER_SOURCE), Ranker(tmp_path / "rule.onnx"))
    customers = [Customer.from_features(buyer_features(*own)) for own in (("p9", "p2", "p11"), ("p4",))]
    evaluated = own_frequency(CustomerBatch.of(customers, catalogue, np.zeros((2, 4), np.float32)))
    for slate in ("all", "explore"):
        [(_, served)] = recommender.rank_batch(customers, slate, 8)
        for row, ranked in enumerate(served):
            assert ranked.positions.tolist() == evaluated[slate].positions[row, :8].tolist()
