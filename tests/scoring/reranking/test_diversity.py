"""The diversity knob: what it measures, and that it never goes the wrong way."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.reranking.business_rules import BusinessRules, apply_business_rules
from scoring.reranking.diversity import distances, intra_list_distance
from tests.support.scoring.random_shop import shop

SHOPS = [shop(seed, products=50, customers=5) for seed in range(5)]
STEPS = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]


@settings(max_examples=300, deadline=None)
@given(
    number=st.integers(0, 4),
    seed=st.integers(0, 10_000),
    length=st.integers(0, 50),
    k=st.integers(1, 12),
    cap=st.none() | st.integers(1, 3),
    flat=st.booleans(),
)
def test_more_diversity_never_gives_a_less_diverse_list(number, seed, length, k, cap, flat):
    catalogue = SHOPS[number].catalogue
    rng = np.random.default_rng(seed)
    positions = rng.permutation(50)[:length]
    scores = np.zeros(length) if flat else -np.sort(rng.exponential(size=length))
    found = []
    for step in STEPS:
        places = apply_business_rules(
            catalogue, positions, scores, BusinessRules(max_per_category=cap, diversity=step), k
        )
        assert np.all(np.diff(places) > 0)
        found.append((len(places), intra_list_distance(catalogue, positions[places])))

    assert len({n for n, _ in found}) == 1
    values = [value for _, value in found]
    assert all(after >= before - 1e-6 for before, after in pairwise(values))


def test_the_knob_at_one_ends_where_no_swap_helps_or_every_place_was_swapped():
    catalogue = SHOPS[0].catalogue
    positions, scores = np.arange(50), -np.arange(50.0)
    places = apply_business_rules(catalogue, positions, scores, BusinessRules(diversity=1.0), 5)
    best = intra_list_distance(catalogue, places)
    assert best > intra_list_distance(catalogue, np.arange(5)) + 0.05
    for _ in range(200):
        other = np.random.default_rng(_).choice(50, 5, replace=False)
        assert intra_list_distance(catalogue, other) <= best + 0.1


def test_half_way_costs_less_score_than_all_the_way():
    catalogue = SHOPS[1].catalogue
    positions, scores = np.arange(50), -np.arange(50.0) / 10
    kept = [
        scores[apply_business_rules(catalogue, positions, scores, BusinessRules(diversity=step), 10)].sum()
        for step in (0.0, 0.5, 1.0)
    ]
    assert kept[0] > kept[1] > kept[2]


def test_distance_is_half_content_and_half_vectors():
    catalogue = SHOPS[0].catalogue
    types, categories = catalogue.codes["product_type"], catalogue.category
    between = distances(catalogue, np.arange(50))
    cosine = catalogue.vectors[:50] @ catalogue.vectors[:50].T
    same_type = (types[:, None] == types) & (types > 0)
    same_category = (categories[:, None] == categories) & (categories > 0)
    content = np.where(same_type, 0.0, np.where(same_category, 0.5, 1.0))
    expected = ((1 - cosine) / 2 + content) / 2
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(between, expected, atol=1e-5)
    # three products: the mean of three pairs
    three = np.array([1, 7, 20])
    pairs = [between[1, 7], between[1, 20], between[7, 20]]
    np.testing.assert_allclose(intra_list_distance(catalogue, three), np.mean(pairs), rtol=1e-5)


def test_a_list_of_one_has_no_diversity():
    assert intra_list_distance(SHOPS[0].catalogue, np.array([3])) == 0.0
