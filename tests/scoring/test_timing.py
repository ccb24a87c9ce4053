"""Stages are timed for whoever listens, and for nobody else."""

from pathlib import Path

from scoring.bundle import Bundle
from scoring.customer.customer import Customer
from scoring.timing import STAGES, lap, listening
from tests.support.serving.small_bundle import PRODUCTS, buyer_features, write_bundle


def test_every_stage_of_a_recommendation_is_timed(tmp_path: Path):
    recommender = Bundle.open(write_bundle(tmp_path, "v1")).recommender
    with listening() as stopwatch:
        customer = Customer.from_features(buyer_features("p3", "p5"))
        lap("customer")
        recommender.recommend(customer, "all", 3)
        lap("rules")
    assert tuple(stopwatch.seconds) == STAGES
    assert all(seconds > 0 for seconds in stopwatch.seconds.values())
    assert 2 < stopwatch.candidates <= PRODUCTS


def test_nobody_listening_hears_nothing():
    with listening() as stopwatch:
        pass
    lap("tower")
    assert stopwatch.seconds == {}
