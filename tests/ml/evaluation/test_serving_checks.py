"""A single request gets the evaluated list."""

from pathlib import Path

import numpy as np
import pytest

from ml.evaluation.ground_truth import RankedLists, Slates
from ml.evaluation.serving_checks import check_serving
from scoring.bundle import Bundle
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES
from scoring.recommender import Recommender
from tests.support.serving.small_bundle import buyer_features, write_bundle

CUSTOMERS = [Customer.from_features(buyer_features(*own)) for own in (("p3",), ("p9", "p2"), ("p7", "p0"))]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.open(write_bundle(tmp_path_factory.mktemp("bundle") / "b", "v1"))


def evaluated(recommender: Recommender) -> Slates:
    slates: Slates = {}
    for slate in SLATES:
        [(_, ranked)] = recommender.rank_batch(CUSTOMERS, slate, 12)
        slates[slate] = RankedLists.of([row.positions for row in ranked], [row.scores for row in ranked])
    return slates


def test_the_evaluated_model_answers_as_it_was_evaluated(bundle: Bundle):
    facts = check_serving(bundle.recommender, CUSTOMERS, evaluated(bundle.recommender), [], None)
    assert facts.list_agreement == 1.0
    assert facts.champion_median_cpu_ms is None


def test_another_model_is_found_out(bundle: Bundle, tmp_path: Path):
    other = Bundle.open(write_bundle(tmp_path / "b", "v2", weight=-10.0)).recommender
    assert check_serving(other, CUSTOMERS, evaluated(bundle.recommender), [], None).list_agreement < 0.9


def test_files_are_weighed_and_the_champion_is_timed_too(bundle: Bundle, tmp_path: Path):
    (tmp_path / "one").write_bytes(b"\0" * 1_500_000)
    (tmp_path / "two").write_bytes(b"\0" * 500_000)
    files = [tmp_path / "one", tmp_path / "two"]
    facts = check_serving(bundle.recommender, CUSTOMERS, evaluated(bundle.recommender), files, bundle.recommender)
    assert facts.model_mb == 2.0
    assert facts.champion_median_cpu_ms is not None
    assert np.isfinite(facts.champion_median_cpu_ms)
