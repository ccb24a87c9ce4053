"""Explanations cite the customer's own purchases, and only true facts about these."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import Explanation
from scoring.candidates.sources import SOURCES
from scoring.customer.customer import Customer
from scoring.models.ease import Ease
from scoring.models.sparse_rows import SparseRows
from scoring.models.user_knn import UserKnn
from scoring.recommender import Recommender
from scoring.reranking.explanations import REQUEST, REQUEST_TEXT, Explainer
from scoring.schema import ACTIVITY
from tests.support.scoring.random_shop import shop, without
from tests.support.serving.small_bundle import buyer_features

pytestmark = pytest.mark.integration

SHOPS = [shop(seed, quota=5) for seed in range(3)]
NAMES = [*SOURCES, REQUEST]


def text_of(source: str) -> str:
    return REQUEST_TEXT if source == REQUEST else SOURCES[source].text


def explained(recommender: Recommender, customer: Customer, slate: str) -> dict[int, tuple[int, str, Explanation]]:
    """Place, source and reason of every product of a customer's whole list, by catalogue index."""
    [(block, candidates, scores)] = recommender.score([customer])
    ranked = recommender.build_slate(block, 0, candidates[0], scores[0], slate, 60)
    why = Explainer(recommender.catalogue, block)
    rows = zip(ranked.positions.tolist(), (NAMES[source] for source in ranked.sources), strict=True)
    return {position: (place, source, why.explain(position, source)) for place, (position, source) in enumerate(rows)}


@settings(max_examples=150, deadline=None)
@given(number=st.integers(0, 2), row=st.integers(0, 39), slate=st.sampled_from(["all", "explore"]))
def test_without_the_purchases_it_cites_an_item_falls_or_has_another_reason(number, row, slate):
    recommender, customer = SHOPS[number].recommender, SHOPS[number].customers[row]
    names = recommender.catalogue.product_ids
    before = explained(recommender, customer, slate)
    for position in list(before)[:10]:
        place, _, why = before[position]
        if not len(why.evidence):
            continue
        after = explained(recommender, without(customer, {names[i] for i in why.evidence}), slate)
        assert position not in after or after[position][0] > place or after[position][2].text != why.text


@settings(max_examples=150, deadline=None)
@given(number=st.integers(0, 2), row=st.integers(0, 39), slate=st.sampled_from(["all", "explore"]))
def test_a_reason_cites_nothing_only_if_nothing_was_bought_that_speaks_for_the_item(number, row, slate):
    found, customer = SHOPS[number], SHOPS[number].customers[row]
    catalogue = found.catalogue
    own = [catalogue.index[product_id] for product_id in customer.product_ids]
    types = catalogue.codes["product_type"]
    for position, (_, source, why) in explained(found.recommender, customer, slate).items():
        assert set(why.evidence.tolist()) <= set(own)
        if not len(why.evidence):
            assert why.text in {text_of(source), "On this week's mailer"}
            assert types[position] == 0 or types[position] not in types[own]


def history(product_id: str, baskets: float, gap: float, last: float) -> Customer:
    return Customer.from_features(
        buyer_features(product_id)
        | {
            "customer_history__baskets": [baskets],
            "customer_history__gap_mean_days": [gap],
            "customer_history__days_since_last": [last],
        }
    )


@pytest.mark.parametrize(
    ("baskets", "gap", "last", "words"),
    [
        (6, 9.2, 10.4, "You bought this 6 times, about every 9 days, last 10 days ago"),
        (2, 30.0, 1.0, "You bought this twice, last yesterday"),
        (1, 0.0, 0.3, "You bought this once, last today"),
        (3, 1.0, 5.0, "You bought this 3 times, last 5 days ago"),
    ],
)
def test_a_repeat_is_told_by_number_rhythm_and_last_time(baskets, gap, last, words):
    block = CustomerBatch.of([history("p4", baskets, gap, last)], SHOPS[0].catalogue, np.zeros((1, 6), np.float32))
    assert Explainer(SHOPS[0].catalogue, block).explain(4, "repeat_purchases").text == words


def test_the_purchase_named_for_item_to_item_is_the_one_whose_loss_costs_most():
    found = SHOPS[0]
    model, index = found.catalogue.model("item_to_item", Ease), found.catalogue.index
    customer = max(found.customers, key=lambda c: len(c.product_ids))
    own = np.array([index[product_id] for product_id in customer.product_ids])
    weights, bought = np.sqrt(customer.history["decayed_120d"]), SparseRows.of(model.buyers, own)
    new = next(i for i in range(len(found.catalogue)) if i not in own)

    def score(kept: np.ndarray) -> float:
        row = sparse.csr_matrix((weights[kept], own[kept], [0, kept.sum()]), shape=(1, len(index)))
        return float(model.scores(row)[0, new])

    everything = np.ones(len(own), bool)
    lost = [score(everything) - score(everything & (np.arange(len(own)) != i)) for i in range(len(own))]
    np.testing.assert_allclose(model.contributions(bought, weights)(new), lost, atol=1e-4)
    np.testing.assert_allclose(model.contributions(bought, weights)(new).sum(), score(everything), rtol=1e-4)
    block = CustomerBatch.of([customer], found.catalogue, np.zeros((1, 6), np.float32))
    assert Explainer(found.catalogue, block).explain(new, "item_to_item").evidence.tolist() == [
        own[int(np.argmax(lost))]
    ]


def test_what_purchases_add_to_a_neighbours_score_makes_up_the_score():
    found = SHOPS[1]
    model = found.catalogue.model("user_knn", UserKnn)
    block = CustomerBatch.of(found.customers[:1], found.catalogue, np.zeros((1, 6), np.float32))
    query = block.positions[0], block.history(0, "baskets")
    weights = model.neighbour_weights(*query)
    scores = model.scores(weights)
    sums = np.array([model.contributions(*query, weights)(i).sum() for i in range(60)])
    assert scores.max() > 0
    # one factor for all products: what makes the likeness add up to 1
    np.testing.assert_allclose(sums[scores > 0] / scores[scores > 0], sums.sum() / scores.sum(), rtol=1e-4)
    assert not sums[scores == 0].any()


def test_a_mailer_of_this_week_is_told_from_a_later_one():
    activity = SHOPS[0].catalogue.activity.copy()
    activity[:, ACTIVITY.index("mailer_stores_next_1w")] = 0
    activity[7, ACTIVITY.index("mailer_stores_next_1w")] = 3
    catalogue = replace(SHOPS[0].catalogue, activity=activity)
    block = CustomerBatch.of([history("p9", 5.0, 7.0, 3.0)], catalogue, np.zeros((1, 6), np.float32))
    assert Explainer(catalogue, block).explain(7, "upcoming_promotions").text.startswith("On this week's mailer")
    assert (
        Explainer(catalogue, block).explain(8, "upcoming_promotions").text.startswith("On a mailer of the coming weeks")
    )


def test_where_nothing_is_known_a_reason_speaks_of_everybody():
    assert Explainer(SHOPS[0].catalogue, None).explain(3, "popular").text == "Popular with many customers now"


def test_every_source_has_its_words():
    assert all(text_of(name) for name in NAMES)
