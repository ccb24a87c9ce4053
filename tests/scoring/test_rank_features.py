"""Customer × product features, worked out by hand."""

import numpy as np
import pytest

from scoring.candidates.customer_batch import CustomerBatch
from scoring.customer.customer import Customer
from scoring.rank_features import NO_EVENT_DAYS, NUMERIC, cross_features
from scoring.schema import HISTORY
from tests.support.scoring.candidates import generate
from tests.support.serving.small_bundle import buyer_features, small_catalogue


@pytest.fixture
def table() -> dict[str, dict[int, float]]:
    """feature → catalogue index → value, for a customer who bought p1 twice and p5 once.

    Products of one code: p1, p5 and p9 share type 2 (codes run 1, 2, 3, 0 and so on).
    """
    features = buyer_features("p1", "p5")
    for name, values in {
        "baskets": [2, 1],
        "days_since_last": [3, 40],
        "days_since_first": [13, 40],
        "gap_mean_days": [10, 0],
        "decayed_120d": [1.5, 0.5],
        "decayed_20d": [1.0, 0.1],
        "quantity": [4, 1],
        "spend": [8, 3],
    }.items():
        features[f"customer_history__{name}"] = [float(value) for value in values]
    features["customer_profile__baskets"] = 4.0
    features["customer_profile__days_since_last_basket"] = 3.0
    catalogue = small_catalogue()
    block = CustomerBatch.of([Customer.from_features(features)], catalogue, np.ones((1, 4), np.float32))
    quotas = dict.fromkeys(
        (
            "repeat_purchases",
            "two_tower",
            "item_to_item",
            "type_affinity",
            "popular",
            "trending",
            "upcoming_promotions",
        ),
        12,
    )
    found = generate(block, quotas)[0]
    numeric, categorical = cross_features(block, 0, found)
    assert numeric.shape == (12, len(NUMERIC))
    assert categorical.shape == (12, 5)
    return {
        name: dict(zip(found.positions.tolist(), numeric[:, i].tolist(), strict=True)) for i, name in enumerate(NUMERIC)
    }


def test_own_history_reaches_the_candidate_it_is_about(table):
    assert table["is_repeat"][1] == 1.0
    assert table["is_repeat"][2] == 0.0
    assert table["repeat_baskets"][1] == 2.0
    assert table["repeat_basket_share"][1] == pytest.approx(2 / 4)
    assert table["repeat_due_ratio"][1] == pytest.approx(3 / 10)
    assert table["repeat_due_ratio"][5] == 0.0  # one purchase has no gap
    assert table["repeat_in_last_basket"][1] == 1.0
    assert table["repeat_in_last_basket"][5] == 0.0


def test_what_was_never_bought_is_long_ago_not_just_now(table):
    assert table["repeat_days_since_last"][2] == NO_EVENT_DAYS
    assert table["type_days_since_last"][2] == NO_EVENT_DAYS  # p2 is of another type


def test_affinity_sums_over_the_products_that_share_a_type(table):
    # p9 was never bought, but p1 and p5 of its type were: 1.5 + 0.5
    assert table["type_decayed_120d"][9] == pytest.approx(2.0)
    assert table["type_products"][9] == 2.0
    assert table["type_days_since_last"][9] == 3.0
    # three baskets between 40 and 3 days ago: a gap of 18.5 days, three days gone
    assert table["type_due_ratio"][9] == pytest.approx(3 / 18.5)
    assert table["repeat_share_of_type"][1] == pytest.approx(1.5 / 2.0)


def test_unknown_types_have_no_affinity(table):
    # p3, p7 and p11 have code 0: "unknown" is not a type they share
    assert table["type_decayed_120d"][3] == 0.0


def test_every_history_array_is_a_feature(table):
    assert {f"repeat_{name}" for name in HISTORY} <= set(table)


def test_no_feature_is_ever_nan(table):
    assert all(np.isfinite(value) for column in table.values() for value in column.values())
