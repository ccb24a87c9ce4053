"""Golden requests are of customers who do not exist."""

from datetime import datetime

import numpy as np

from ml.bundles.golden import BASKETS, made_up_customers
from scoring.customer.customer import Customer
from tests.support.serving.small_bundle import small_catalogue

AT = datetime(2018, 1, 1, 5)


def made_up(seed: int = 7) -> list[Customer]:
    return made_up_customers(small_catalogue(), AT, seed)


def test_made_up_customers_follow_from_catalogue_and_seed() -> None:
    assert [c.to_features() for c in made_up()] == [c.to_features() for c in made_up()]
    assert [c.to_features() for c in made_up(8)] != [c.to_features() for c in made_up()]


def test_made_up_customers_range_from_none_to_weekly_baskets() -> None:
    assert [customer.profile["baskets"] for customer in made_up()] == list(BASKETS)
    assert made_up()[0].is_new


def test_made_up_histories_are_possible() -> None:
    for customer in made_up()[1:]:
        assert set(customer.product_ids) <= set(small_catalogue().product_ids)
        last, first = customer.history["days_since_last"], customer.history["days_since_first"]
        assert np.all((last >= 0) & (last <= first))
        assert np.all((customer.history["baskets"] >= 1) & (customer.history["baskets"] <= customer.profile["baskets"]))
        assert np.isfinite(np.concatenate(list(customer.history.values()))).all()
        assert "" not in customer.product_ids


def test_a_made_up_customer_carries_no_trait_of_a_person() -> None:
    assert {value for customer in made_up() for value in customer.traits.values()} == {""}
