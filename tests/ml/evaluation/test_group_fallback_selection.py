"""The baseline serves groups where the model is worse, and the selection uses other customers than its evaluation."""

import numpy as np
import pytest

from ml.evaluation.baselines import OWN_FREQUENCY, POPULARITY
from ml.evaluation.ground_truth import RankedLists, Slates
from ml.evaluation.group_fallback_selection import choose_fallbacks, select_fallbacks
from scoring.customer.customer import Customer
from tests.support.serving.small_bundle import buyer_features

N = 400


def customers() -> list[Customer]:
    """Half of them newcomers."""
    baskets = {True: {"customer_profile__baskets": 3.0}, False: {"customer_profile__baskets": 30.0}}
    return [Customer.from_features(buyer_features("p0") | baskets[row % 2 == 0]) for row in range(N)]


def scores(loss: float) -> dict[str, dict[str, np.ndarray]]:
    """The model wins by 0.05, but loses `loss` of `all NDCG@10` among newcomers."""
    rng = np.random.default_rng(1)
    rule = rng.uniform(0.2, 0.6, N)
    won = rule + rng.normal(0.05, 0.05, N)
    lost = np.where(np.arange(N) % 2 == 0, rule - rng.normal(loss, 0.05, N), won)
    names = ("all NDCG@10", "explore Recall@100")
    return {
        "reach": dict(zip(names, (lost, won), strict=True)),
        OWN_FREQUENCY: dict.fromkeys(names, rule),
        POPULARITY: dict.fromkeys(names, rule),
    }


def lists(product: int) -> Slates:
    return {slate: RankedLists.of([np.array([product])] * N, [np.ones(1)] * N) for slate in ("all", "explore")}


METHODS = {"reach": lists(1), OWN_FREQUENCY: lists(2), POPULARITY: lists(3)}


def test_newcomers_whom_the_model_serves_worse_get_the_rules_list():
    slates, fallbacks = select_fallbacks(customers(), METHODS, scores(loss=0.03), "reach", seed=7)
    [found] = fallbacks
    assert (found.slate, found.group, found.value) == ("all", "baskets", "1-10")
    assert found.reason.startswith("reach -0.03")
    shown = slates["all"].positions[:, 0]
    assert (shown[::2] == 2).all()
    assert (shown[1::2] == 1).all()
    assert (slates["explore"].positions[:, 0] == 1).all()


def test_a_model_that_is_nowhere_worse_serves_everybody():
    slates, fallbacks = select_fallbacks(customers(), METHODS, scores(loss=-0.03), "reach", seed=7)
    assert fallbacks == []
    assert (slates["all"].positions[:, 0] == 1).all()


def test_a_customers_own_score_does_not_decide_that_customers_route():
    """Newcomers of one half lose, those of the other win: the fallbacks of each half follow the other half."""
    first = np.random.default_rng(7).random(N) < 0.5
    found = scores(loss=-0.03)
    found["reach"]["all NDCG@10"] -= np.where(first & (np.arange(N) % 2 == 0), 0.2, 0)
    slates, _ = select_fallbacks(customers(), METHODS, found, "reach", seed=7)
    newcomers = np.arange(N) % 2 == 0
    assert (slates["all"].positions[first & newcomers, 0] == 1).all()
    assert (slates["all"].positions[~first & newcomers, 0] == 2).all()


@pytest.mark.parametrize("among", [10, 200])
def test_a_handful_of_customers_decides_nothing(among: int):
    chosen = choose_fallbacks(customers(), scores(loss=0.1), "reach", among=np.arange(N) < among)
    assert bool(chosen) is (among == 200)
