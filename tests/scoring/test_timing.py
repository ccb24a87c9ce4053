"""Stages are timed only while a caller records them."""

from pathlib import Path

from scoring.bundle import Bundle
from scoring.customer.customer import Customer
from scoring.request import RecommendationRequest
from scoring.timing import STAGES, mark, record_timings
from tests.support.serving.small_bundle import PRODUCTS, buyer_features, write_bundle


def test_every_stage_of_a_recommendation_is_timed(tmp_path: Path):
    recommender = Bundle.open(write_bundle(tmp_path, "v1")).recommender
    with record_timings() as stopwatch:
        customer = Customer.from_features(buyer_features("p3", "p5"))
        mark("customer")
        recommender.recommend(customer, RecommendationRequest("all", 3))
        mark("rules")
    assert tuple(stopwatch.seconds) == STAGES
    assert all(seconds > 0 for seconds in stopwatch.seconds.values())
    assert 2 < stopwatch.candidates <= PRODUCTS


def test_nobody_listening_hears_nothing():
    with record_timings() as stopwatch:
        pass
    mark("tower")
    assert stopwatch.seconds == {}
