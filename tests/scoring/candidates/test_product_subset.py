"""Only active products are put forward as new, and whatever is scored on a part scores as on the whole."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import scoring.candidates.product_subset
from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import generate_candidates, top
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import NO_SCORE
from scoring.candidates.sources import SOURCES, load_catalogue
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ease import Ease
from scoring.models.user_knn import UserKnn
from scoring.schema import ACTIVITY
from tests.support.scoring.candidates import generate, retriever_of
from tests.support.serving.small_bundle import PRODUCTS, QUOTAS, buyer_features, small_catalogue

SLOW = (2, 9, 11)
"""Products that one customer bought in thirteen weeks, a year after they were first sold."""


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """The small catalogue, taken for a large one: p2, p9 and p11 hardly sell, p5 hardly sells but is new."""
    monkeypatch.setattr(scoring.candidates.product_subset, "FULL_SCAN_BELOW", 0)
    rng = np.random.default_rng(3)
    catalogue = small_catalogue()
    activity = catalogue.activity.copy()
    activity[:, ACTIVITY.index("days_since_first_sale")] = 365.0
    activity[[*SLOW, 5], ACTIVITY.index("buyers_13w")] = 1.0
    activity[SLOW, ACTIVITY.index("buyers_4w")] = activity[SLOW, ACTIVITY.index("first_buyers_8w")] = 0.0
    activity[5, ACTIVITY.index("days_since_first_sale")] = 3.0
    purchases = sparse.csr_matrix(rng.integers(0, 3, (6, PRODUCTS)).astype(np.float32))
    return replace(
        catalogue,
        activity=activity,
        vectors=rng.random(catalogue.vectors.shape, np.float32),
        models=dict(catalogue.models)
        | {
            "item_to_item": Ease.fit(purchases, 1.0, 10, 7),
            "user_knn": UserKnn.fit(purchases, np.where(np.arange(purchases.nnz) % 3, 5.0, 90.0), 4),
        },
        min_recent_buyers=2,
    )


def active(catalogue: Catalogue) -> list[int]:
    return retriever_of(catalogue, QUOTAS).active.positions.tolist()


def block_of(catalogue: Catalogue, *customers: dict[str, Any]) -> CustomerBatch:
    people = [Customer.from_features(features) for features in customers]
    return CustomerBatch.of(people, catalogue, np.ones((len(people), 4), np.float32))


def test_slow_products_are_not_put_forward_unless_they_are_new(large: Catalogue):
    assert active(large) == [i for i in range(PRODUCTS) if i not in SLOW]


def test_the_limit_travels_with_the_catalogue_and_without_one_every_product_is_put_forward(
    large: Catalogue, tmp_path: Path
):
    large.save(tmp_path)
    assert active(load_catalogue(tmp_path)) == active(large)
    replace(large, min_recent_buyers=0).save(tmp_path)
    assert active(load_catalogue(tmp_path)) == list(range(PRODUCTS))


def test_a_small_catalogue_is_scored_whole():
    assert active(small_catalogue()) == list(range(PRODUCTS))


def test_a_source_without_a_quota_scores_what_the_others_put_forward(large: Catalogue):
    block = block_of(large, buyer_features("p9", "p1", "p4"), buyer_features("p2"))
    for row, found in enumerate(generate(block, QUOTAS | {"item_to_item_recent": 0})):
        expected = SOURCES["item_to_item_recent"].score(block, ProductSubset(large, np.arange(PRODUCTS)))[row]
        said = found.scores["item_to_item_recent"]
        np.testing.assert_allclose(said, np.maximum(expected[found.positions], -1e6), rtol=1e-5, atol=1e-6)
        assert (found.ranks["item_to_item_recent"] == 0).all()


def test_own_products_stay_candidates_however_slow_they_are(large: Catalogue):
    found = generate(block_of(large, buyer_features("p9", "p1")), QUOTAS)[0]
    assert {1, 9} <= set(found.positions.tolist())
    assert not {2, 11} & set(found.positions.tolist())


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "matrix_factorization"])
def test_a_product_scores_the_same_on_every_shelf(large: Catalogue, name: str):
    block = block_of(large, buyer_features("p9", "p1", "p4"), buyer_features("p2"))
    whole = SOURCES[name].score(block, ProductSubset(large, np.arange(PRODUCTS)))
    part = SOURCES[name].score(block, ProductSubset(large, np.array([1, 2, 7, 9])))
    np.testing.assert_allclose(part, whole[:, [1, 2, 7, 9]], rtol=1e-5)
    found = generate(block, QUOTAS)[0]
    np.testing.assert_allclose(found.scores[name], np.maximum(whole[0][found.positions], -1e6), rtol=1e-5)


def test_one_customer_is_scored_as_among_many(large: Catalogue):
    people = [buyer_features("p9", "p1", "p4"), buyer_features("p2"), buyer_features("p0", "p3")]
    together = generate(block_of(large, *people), QUOTAS)
    for features, among_many in zip(people, together, strict=True):
        alone = generate(block_of(large, features), QUOTAS)[0]
        assert alone.positions.tolist() == among_many.positions.tolist()
        for name in QUOTAS:
            np.testing.assert_allclose(alone.scores[name], among_many.scores[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("source", "purchases"), [("item_to_item", "decayed_120d"), ("item_to_item_recent", "decayed_20d")]
)
def test_the_item_to_item_sources_say_what_their_model_says(large: Catalogue, source: str, purchases: str):
    block = block_of(large, buyer_features("p9", "p1", "p4"))
    scores = large.model("item_to_item", Ease).scores(block.bought.matrix(purchases).sqrt())
    found = SOURCES[source].score(block, ProductSubset(large, np.arange(PRODUCTS)))
    np.testing.assert_allclose(found, scores, rtol=1e-5, atol=1e-6)


def test_asking_for_recent_purchases_leaves_the_neighbours_as_they_were(large: Catalogue):
    model = large.model("user_knn", UserKnn)
    before = model.vectors.toarray()
    assert not model.recent.all()
    model.scores(np.ones(before.shape[0], np.float32))
    np.testing.assert_array_equal(model.vectors.toarray(), before)


def sorted_whole(scores: np.ndarray, quota: int) -> list[int]:
    usable = [i for i, score in enumerate(scores) if score != 0 and score > NO_SCORE]
    return sorted(usable, key=lambda i: (-scores[i], i))[:quota]


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(size=300),
        lambda rng: rng.integers(0, 4, 300),  # many ties, many without a score
        lambda rng: np.where(rng.random(300) < 0.95, 0.0, rng.normal(size=300)),
        lambda rng: np.where(rng.random(300) < 0.5, NO_SCORE, -rng.random(300)),
    ],
)
@pytest.mark.parametrize("quota", [0, 1, 40, 300, 500])
def test_the_top_is_what_sorting_everything_gives(draw: Callable[[Any], np.ndarray], quota: int):
    scores = draw(np.random.default_rng(5)).astype(np.float32)
    assert top(scores, quota).tolist() == sorted_whole(scores, quota)


def test_a_replaced_version_frees_its_catalogue_without_the_collector():
    catalogue = small_catalogue()
    retriever = retriever_of(catalogue, QUOTAS)
    generate_candidates(block_of(catalogue, buyer_features("p1")), retriever.active, QUOTAS, retriever.index)
    seen = weakref.ref(catalogue)
    gc.disable()
    try:
        del catalogue, retriever
        assert seen() is None
    finally:
        gc.enable()
