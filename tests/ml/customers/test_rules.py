"""BG/NBD against published parameters, and rules as probabilities."""

import numpy as np
import pytest

from ml.customers.dataset import FEATURES
from ml.customers.rules import BgNbd, Calibration, recency_score, repeat_purchases

CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""Fader, Hardie & Lee 2005, table 2: the CDNOW data, time in weeks."""


def customer(baskets: float, days_since_last: float, days_since_first: float) -> np.ndarray:
    values = dict.fromkeys(FEATURES, 0.0)
    values |= {
        "baskets": baskets, "days_since_last_basket": days_since_last, "days_since_first_basket": days_since_first,
    }  # fmt: skip
    return np.array([[values[name] for name in FEATURES]])


def test_repeat_purchases_are_counted_from_the_first_basket() -> None:
    x, t_x, age = repeat_purchases(customer(3, 14, 70))

    # Ten weeks since the first basket, two since the last one, so eight from the first to the last.
    assert (x[0], t_x[0], age[0]) == (2, 8, 10)


def test_a_customer_without_a_repeat_purchase_cannot_have_left() -> None:
    # P = (alpha + T) / (alpha + T + t) to the power r: (14.414 / 22.414) ** 0.243
    assert CDNOW.no_purchase(customer(1, 70, 70), 8.0)[0] == pytest.approx((14.414 / 22.414) ** 0.243)


def test_the_probability_of_being_active_is_that_of_the_paper() -> None:
    x, t_x, age = 2, 30.43, 38.86
    odds_gone = 0.793 / (2.426 + x - 1) * ((4.414 + age) / (4.414 + t_x)) ** (0.243 + x)
    silent = ((4.414 + age) / (4.414 + age + 39)) ** (0.243 + x)
    found = CDNOW.no_purchase(customer(3, (age - t_x) * 7, age * 7), 39.0)[0]

    assert found == pytest.approx(1 - (1 - silent) / (1 + odds_gone))


def test_fitting_recovers_the_parameters_that_made_the_customers() -> None:
    rng = np.random.default_rng(3)
    made = BgNbd(r=1.5, alpha=4.0, a=1.0, b=6.0)
    rows = []
    for _ in range(4000):
        rate, leaves, age, time, times = rng.gamma(made.r, 1 / made.alpha), rng.beta(made.a, made.b), 50.0, 0.0, []
        while True:
            time += rng.exponential(1 / rate)
            if time > age:
                break
            times.append(time)
            if rng.uniform() < leaves:
                break
        rows.append(customer(len(times) + 1, (age - (times[-1] if times else 0.0)) * 7, age * 7)[0])
    features = np.array(rows)
    found, expected = (model.no_purchase(features, 8.0).mean() for model in (BgNbd.fit(features), made))

    assert found == pytest.approx(expected, abs=0.01)


def test_calibration_makes_the_mean_probability_the_share() -> None:
    rng = np.random.default_rng(5)
    scores = rng.normal(size=3000)
    churned = rng.uniform(size=3000) < 1 / (1 + np.exp(-(2 * scores - 1)))
    curve = Calibration.fit(scores, churned)

    assert (curve.slope, curve.intercept) == (pytest.approx(2, abs=0.2), pytest.approx(-1, abs=0.2))
    assert curve(scores).mean() == pytest.approx(churned.mean(), abs=1e-3)


def test_the_longer_ago_the_higher_the_recency_score() -> None:
    assert recency_score(customer(1, 20, 70))[0] > recency_score(customer(1, 2, 70))[0]
