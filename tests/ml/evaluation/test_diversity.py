"""The report's diversity figures equal those of requests with the same setting."""

import numpy as np
import pytest

from ml.evaluation.diversity import LENGTH, SETTINGS, trade_off
from ml.evaluation.ground_truth import GroundTruth, RankedLists
from scoring.models.ranker import SLATES
from scoring.request import RecommendationRequest
from scoring.reranking.business_rules import BusinessRules
from scoring.reranking.diversity import intra_list_distance
from tests.support.scoring.random_shop import shop


@pytest.mark.parametrize("slate", SLATES)
def test_each_setting_is_evaluated_on_the_lists_that_requests_get(slate):
    found = shop(4, products=80, customers=12)
    recommender, index = found.recommender, found.catalogue.index
    ranked = {s: [r for _, part in recommender.rank_batch(found.customers, s, 100) for r in part] for s in SLATES}
    slates = {s: RankedLists.of([r.positions for r in rows], [r.scores for r in rows]) for s, rows in ranked.items()}
    bought = [np.array([i, i + 20, i + 40]) for i in range(12)]
    nothing = [np.zeros(0, np.int64)] * 12
    truth = GroundTruth([str(i) for i in range(12)], bought, nothing, np.zeros(12, int))

    rows = trade_off(found.catalogue, truth, slates, 7)[slate]

    assert [row.setting for row in rows] == list(SETTINGS)
    for row in rows:
        lists = []
        for customer in found.customers:
            items = recommender.recommend(
                customer, RecommendationRequest(slate, LENGTH[slate], BusinessRules(diversity=row.setting))
            ).items
            lists.append(np.array([index[item.product_id] for item in items]))
        distances = [intra_list_distance(found.catalogue, positions) for positions in lists]
        assert row.distance == pytest.approx(np.mean(distances), abs=1e-6)
        gains = [
            np.isin(items, mine) / np.log2(np.arange(2, len(items) + 2))
            for items, mine in zip(lists, bought, strict=True)
        ]
        best = (1 / np.log2(np.arange(2, 5))).sum()  # three products to find
        assert row.ndcg == pytest.approx(np.mean([g.sum() for g in gains]) / best)
    assert rows[-1].distance > rows[0].distance
