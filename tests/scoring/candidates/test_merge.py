"""The union of the sources: every product once, own products only from the customer's history."""

import numpy as np
import pytest

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import REQUESTED, Candidates
from scoring.candidates.sources import SOURCES
from scoring.customer.customer import Customer
from tests.support.scoring.candidates import generate
from tests.support.serving.small_bundle import buyer_features, small_catalogue

QUOTAS = {"repeat_purchases": 2, "item_to_item": 3, "type_affinity": 2, "popular": 4}


@pytest.fixture
def block() -> CustomerBatch:
    catalogue = small_catalogue()
    customers = [Customer.from_features(buyer_features("p3", "p5", "gone", "p7")), Customer.empty()]
    return CustomerBatch.of(customers, catalogue, np.ones((2, 4), np.float32))


@pytest.fixture
def found(block: CustomerBatch) -> Candidates:
    return generate(block, QUOTAS)[0]


def test_a_product_is_proposed_once(found: Candidates):
    assert len(set(found.positions)) == len(found.positions)


def test_repeats_bring_the_customers_strongest_products_first(found: Candidates):
    # p3 was bought most, then p5; the quota of two leaves p7 out, "gone" is not in the catalogue
    assert found.positions[:2].tolist() == [3, 5]
    assert found.is_repeat.tolist() == [True, True] + [False] * (len(found.is_repeat) - 2)


def test_other_sources_bring_only_what_the_customer_never_bought(found: Candidates):
    assert not set(found.positions[2:]) & {3, 5, 7}


def test_a_product_is_credited_to_the_source_that_ranked_it_best(block: CustomerBatch):
    found = generate(block, {"trending": 1, "popular": 3})[0]
    names = list(SOURCES)
    credited = {int(position): names[source] for position, source in zip(found.positions, found.source, strict=True)}
    assert credited == {0: "trending", 1: "popular", 2: "popular"}  # p0 is first in both lists; ties go to the earlier


def test_a_rank_beyond_the_quota_is_the_quota(found: Candidates):
    popular = dict(zip(found.positions.tolist(), found.ranks["popular"].tolist(), strict=True))
    assert popular[0] == 0.0
    assert popular[3] == 4.0  # an own product: `popular` did not put it forward


def test_a_customer_without_history_still_gets_candidates(block: CustomerBatch):
    nobody = generate(block, QUOTAS)[1]
    assert not nobody.is_repeat.any()
    assert len(nobody.positions) >= 4


def test_products_of_a_request_have_the_scores_and_ranks_they_would_have_as_candidates(block: CustomerBatch):
    usual = generate(block, QUOTAS)[0]
    asked = np.array([11, 5, 0])
    found = generate(block, QUOTAS, asked)[0]
    place = {int(position): i for i, position in enumerate(usual.positions)}
    assert found.positions.tolist() == [11, 5, 0]
    assert found.is_repeat.tolist() == [False, True, False]
    for at, position in ((1, 5), (2, 0)):
        assert found.source[at] == usual.source[place[position]]
        assert all(found.scores[name][at] == usual.scores[name][place[position]] for name in QUOTAS)
        assert all(found.ranks[name][at] == usual.ranks[name][place[position]] for name in QUOTAS)
    assert found.ranks["repeat_purchases"].tolist() == [
        2.0,
        1.0,
        2.0,
    ]  # p5 was bought second most; the others are at the quota
    # p11 sells worst: no source put it forward, so its ranks are the quotas
    assert found.source[0] == REQUESTED
    assert {name: found.ranks[name][0] for name in ("item_to_item", "popular")} == {"item_to_item": 3, "popular": 4}
