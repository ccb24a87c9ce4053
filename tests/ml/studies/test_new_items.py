"""New products are those first sold within a week, compared with the popularity of their category."""

import numpy as np
import pytest

from ml.evaluation.ground_truth import GroundTruth
from ml.studies.new_items import buyers_of, category_popularity, compare, new_items, ranked_scores
from scoring.schema import ACTIVITY
from tests.support.serving.small_bundle import small_catalogue


def catalogue(first_sale: dict[int, float], unsold: tuple[int, ...] = ()):
    made = small_catalogue()
    made.activity[:, ACTIVITY.index("days_since_first_sale")] = 300.0
    for product, days in first_sale.items():
        made.activity[product, ACTIVITY.index("days_since_first_sale")] = days
    made.activity[list(unsold), ACTIVITY.index("buyers")] = 0.0
    return made


def test_a_product_is_new_for_a_week_from_its_first_sale():
    assert new_items(catalogue({3: 0.5, 4: 7.0, 5: 7.1})).tolist() == [3, 4]


def test_a_product_that_was_never_sold_is_not_new():
    assert new_items(catalogue({3: 0.0, 4: 0.0}, unsold=(3,))).tolist() == [4]


def test_a_category_is_as_popular_as_all_its_products():
    # Products 1, 5 and 9 share a category; they had 11, 7 and 3 buyers. Product 3 has none: nothing is known.
    assert category_popularity(catalogue({}), np.array([5, 3])).tolist() == [21.0, 0.0]


def test_only_customers_who_bought_a_new_product_for_the_first_time_are_evaluated():
    truth = GroundTruth(
        ["a", "b", "c"],
        [np.array([1, 3]), np.array([3, 4]), np.array([1])],
        [np.array([1]), np.array([3]), np.array([], dtype=int)],
        np.zeros(3, int),
    )
    rows, bought = buyers_of(truth, np.array([3, 4]))
    assert rows.tolist() == [0, 1]
    assert [items.tolist() for items in bought] == [[3], [4]]


def test_the_rank_counts_only_new_products_the_customer_never_had():
    scores = np.array([[0.9, 0.8, 0.7]])
    # Product 3 scores best but was had before, so 5 is first and 6, which was bought, second.
    found = ranked_scores(scores, np.array([3, 5, 6]), [np.array([6])], [np.array([3])], small_catalogue().popularity)
    assert found["MRR"].tolist() == [0.5]
    assert found["Recall@20"].tolist() == [1.0]


def test_equal_scores_go_to_the_product_with_more_buyers():
    tie = np.zeros((1, 2))
    popularity = small_catalogue().popularity[::-1]  # the last product sells best
    found = [
        ranked_scores(tie, np.array([2, 7]), [np.array([bought])], [np.array([], dtype=int)], popularity)["MRR"][0]
        for bought in (2, 7)
    ]
    assert found == [0.5, 1.0]


def test_the_lead_is_paired_by_customer():
    noise = np.random.default_rng(1).normal(size=50)
    result = compare({"two_tower": {"MRR": noise + 0.1}, "category popularity": {"MRR": noise}}, seed=7)
    assert result["against"]["category popularity"]["MRR"]["low"] == pytest.approx(0.1)
