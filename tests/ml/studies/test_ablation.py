"""Taking away a source or a group of features takes away that, and nothing else."""

import numpy as np
import pytest

from ml.studies.ablation import CODES, Part, feature_groups, featured, permuted, put_forward, without_source
from scoring.candidates.retriever import Retriever
from scoring.candidates.sources import SOURCES
from scoring.customer.customer import Customer
from scoring.rank_features import CATEGORICAL, FEATURE_GROUPS, NUMERIC
from tests.support.serving.small_bundle import buyer_features, small_catalogue

QUOTAS = {"repeat_purchases": 6, "popular": 3, "trending": 5}


class NoTower:
    """The sources of these tests ask for no vectors."""

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        return np.zeros((len(inputs["profile"]), 4), np.float32)


@pytest.fixture
def parts() -> list[Part]:
    """Two customers; popular puts forward three products they never had, trend the same and two more."""
    customers = [Customer.from_features(buyer_features(*own)) for own in (("p9", "p2", "p11"), ("p4",))]
    return list(featured(Retriever(small_catalogue(), NoTower(), QUOTAS), customers))


def positions(parts: list[Part]) -> list[list[int]]:
    return [sorted(found.positions.tolist()) for part in parts for found in part.found]


def test_the_sources_of_these_tests_exist():
    assert set(QUOTAS) <= set(SOURCES)


def test_without_a_source_only_what_it_alone_put_forward_is_gone(parts: list[Part]):
    # By popularity p0 p1 p3 p4 p5 p6 … for the first customer, p0 p1 p2 p3 p5 … for the second.
    assert positions(parts) == [[0, 1, 2, 3, 4, 5, 9, 11], [0, 1, 2, 3, 4, 5]]
    assert positions(without_source(parts, "trending", QUOTAS)) == [[0, 1, 2, 3, 9, 11], [0, 1, 2, 4]]
    assert positions(without_source(parts, "popular", QUOTAS)) == positions(parts)
    assert positions(without_source(parts, "repeat_purchases", QUOTAS)) == [[0, 1, 3, 4, 5], [0, 1, 2, 3, 5]]


def test_a_source_that_is_off_looks_as_if_it_had_put_nothing_forward(parts: list[Part]):
    [part] = without_source(parts, "popular", QUOTAS)
    assert (part.numeric[:, NUMERIC.index("rank_popular")] == QUOTAS["popular"]).all()
    others = [column for column, name in enumerate(NUMERIC) if name not in ("rank_popular", "score_popular")]
    assert (part.numeric[:, others] == parts[0].numeric[:, others]).all()
    assert not (part.numeric == parts[0].numeric).all()


def test_the_evidence_of_a_source_goes_with_it(parts: list[Part]):
    [part] = without_source(parts, "trending", QUOTAS)
    assert len(part.numeric) == len(part.categorical) == part.sizes.sum()
    for found in part.found:
        assert "trending" not in found.ranks
        assert put_forward(found, QUOTAS).all()


def test_features_have_one_family_each():
    members = feature_groups()
    assert sorted(name for names in members.values() for name in names) == sorted([*NUMERIC, *CATEGORICAL])
    assert members[CODES] == list(CATEGORICAL)


def test_a_shuffled_family_keeps_each_customers_rows_and_touches_no_other_column(parts: list[Part]):
    group = FEATURE_GROUPS["product_buyers_4w"]
    mine = [column for column, name in enumerate(NUMERIC) if FEATURE_GROUPS[name] == group]
    others = [column for column in range(len(NUMERIC)) if column not in mine]
    [before], [after] = parts, permuted(parts, group, seed=7)
    assert (after.numeric[:, others] == before.numeric[:, others]).all()
    assert (after.numeric != before.numeric).any()
    for customer in np.split(np.arange(len(before.numeric)), np.cumsum(before.sizes)[:-1]):
        rows = [sorted(map(tuple, part.numeric[np.ix_(customer, mine)])) for part in (before, after)]
        assert rows[0] == rows[1]


def test_what_says_who_the_customer_is_changes_places_among_customers(parts: list[Part]):
    column = NUMERIC.index(next(name for name in NUMERIC if name.startswith("customer_")))
    [part] = parts
    first, second = part.sizes
    part.numeric[:, column] = [1.0] * first + [2.0] * second
    shuffled = [permuted(parts, "customer", seed)[0].numeric[:, column] for seed in range(8)]
    assert any(values.tolist() == [2.0] * first + [1.0] * second for values in shuffled)
    assert all(len(set(values[:first])) == len(set(values[first:])) == 1 for values in shuffled)


@pytest.mark.parametrize("group", ["product", "customer", CODES])
def test_the_same_seed_shuffles_the_same_way(parts: list[Part], group: str):
    [one], [other] = permuted(parts, group, 7), permuted(parts, group, 7)
    assert (one.numeric == other.numeric).all()
    assert (one.categorical == other.categorical).all()


def test_shuffling_leaves_the_cached_features_alone(parts: list[Part]):
    before = parts[0].numeric.copy(), parts[0].categorical.copy()
    for group in feature_groups():
        permuted(parts, group, 7)
    without_source(parts, "trending", QUOTAS)
    assert (parts[0].numeric == before[0]).all()
    assert (parts[0].categorical == before[1]).all()
