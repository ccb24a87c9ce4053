"""Checks of single requests: agreement with the evaluated lists, processor time, and the size of the model."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.evaluation.ground_truth import Slates
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES
from scoring.recommender import Recommender
from scoring.request import RecommendationRequest

SAMPLE_SIZE = 200
LIST_LENGTH = 10


@dataclass(frozen=True)
class ServingMeasurements:
    """Hold the measurements of single requests.

    Attributes:
        list_agreement: The share of the first ten ranks on which single requests give the evaluated lists' product.
        median_cpu_ms: The median processor time of single requests in this process, features given. Other programs
            on the machine lengthen the latency several times, and this time hardly.
        champion_median_cpu_ms: The champion's median, if it was evaluated.
        model_mb: The size of the model's own files. The catalogue does not count, because it grows with the shop.
        feature_agreement: The share of customers whose online features are those of the point-in-time join; None if
            that could not be measured.
    """

    list_agreement: float
    median_cpu_ms: float
    champion_median_cpu_ms: float | None
    model_mb: float
    feature_agreement: float | None = None


def check_serving(
    recommender: Recommender,
    customers: Sequence[Customer],
    evaluated: Slates,
    files: Iterable[Path],
    champion: Recommender | None,
    feature_agreement: float | None = None,
) -> ServingMeasurements:
    """Request lists for some evaluated customers one at a time, with features as the online store would give them.

    Args:
        recommender: The recommender, opened from files as a service opens it.
        customers: The evaluated customers.
        evaluated: The lists that the same models gave all customers in batches.
        files: The model's files.
        champion: The deployed version's recommender, if it is evaluated.
        feature_agreement: The agreement of online features with the point-in-time join, if it was measured.
    """
    rows = np.unique(np.linspace(0, len(customers) - 1, SAMPLE_SIZE).astype(int))
    same, median_cpu_ms = _time_requests(recommender, customers, rows, evaluated)
    return ServingMeasurements(
        list_agreement=same,
        median_cpu_ms=median_cpu_ms,
        champion_median_cpu_ms=None if champion is None else _time_requests(champion, customers, rows, evaluated)[1],
        model_mb=sum(path.stat().st_size for path in files) / 1e6,
        feature_agreement=feature_agreement,
    )


def _time_requests(
    recommender: Recommender, customers: Sequence[Customer], rows: np.ndarray, evaluated: Slates
) -> tuple[float, float]:
    index = recommender.catalogue.index
    compared, same, seconds = 0, 0, []
    for row in rows:
        online = Customer.from_features(customers[row].to_features())
        for slate in SLATES:
            started = time.process_time()
            answer = recommender.recommend(online, RecommendationRequest(slate, LIST_LENGTH))
            seconds.append(time.process_time() - started)
            expected = evaluated[slate].positions[row, :LIST_LENGTH]
            given = np.array([index[item.product_id] for item in answer.items])
            compared += len(expected)
            same += int((given == expected[: len(given)]).sum()) + (len(expected) - len(given))
    return same / compared, 1000 * float(np.median(seconds))
