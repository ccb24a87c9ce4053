"""The index of a very large catalogue finds what looking at every vector finds, nearly always."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import top
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.errors import ScoringError
from scoring.models.ann_index import AnnIndex, _faiss
from tests.support.scoring.candidates import generate, retriever_of
from tests.support.serving.small_bundle import buyer_features, small_catalogue

QUOTAS = {"repeat_purchases": 4, "two_tower": 4}


@pytest.fixture
def has_index() -> None:
    pytest.importorskip("faiss", reason="the group 'ann' is not installed")


@pytest.fixture
def spread() -> Catalogue:
    vectors = np.random.default_rng(2).standard_normal((12, 4)).astype(np.float32)
    return replace(small_catalogue(), vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def two_tower(catalogue: Catalogue) -> tuple[list[int], list[float]]:
    block = CustomerBatch.of(
        [Customer.from_features(buyer_features("p3", "p5"))], catalogue, np.eye(1, 4, dtype=np.float32)
    )
    found = generate(block, QUOTAS)[0]
    return found.positions.tolist(), found.scores["two_tower"].tolist()


@pytest.mark.usefixtures("has_index")
def test_nine_tenths_of_the_nearest_are_found():
    rng = np.random.default_rng(4)
    centres = rng.standard_normal((50, 16))
    vectors = (centres[rng.integers(0, 50, 20_000)] + 0.3 * rng.standard_normal((20_000, 16))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = AnnIndex(vectors)
    found = [np.isin(top(vectors @ query, 50), index.top(query, 50)).mean() for query in vectors[:40]]
    assert np.mean(found) > 0.9


@pytest.mark.usefixtures("has_index")
def test_above_the_limit_candidates_and_their_scores_are_those_of_the_exact_search(
    spread: Catalogue, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("scoring.models.ann_index.PROBED_SHARE", 1.0)  # every cell is looked into
    large = replace(spread, ann_above_products=5)
    assert retriever_of(large, QUOTAS).index is not None
    positions, scores = two_tower(large)
    exact_positions, exact_scores = two_tower(spread)
    assert positions == exact_positions
    np.testing.assert_allclose(scores, exact_scores, rtol=1e-6)


def test_up_to_the_limit_every_vector_is_looked_at(spread: Catalogue):
    assert retriever_of(replace(spread, ann_above_products=12), QUOTAS).index is None
    assert retriever_of(spread, QUOTAS).index is None


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ScoringError, match="uv sync --group ann"):
        _faiss()
