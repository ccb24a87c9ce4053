"""Does a single request get the list that was judged, how soon, and from how large a model?"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.evaluation.ground_truth import Slates
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES
from scoring.recommender import Recommender

ASKED = 200
FIRST = 10


@dataclass(frozen=True)
class ServingFacts:
    """agreement: share of the first ten places of judged lists that single requests give the same product.

    milliseconds: median of single requests in this process, features given; the champion's likewise, if it was judged.
    megabytes: the model's own files, without the catalogue, which grows with the shop.
    features: share of customers whom the online store gives as the point-in-time join does; None if it could not tell.
    """

    agreement: float
    milliseconds: float
    champion_milliseconds: float | None
    megabytes: float
    features: float | None = None


def check_serving(
    recommender: Recommender,
    customers: Sequence[Customer],
    judged: Slates,
    files: Iterable[Path],
    champion: Recommender | None,
    features: float | None = None,
) -> ServingFacts:
    """Ask for some of the judged customers one at a time, with features as the online store would give them.

    recommender: opened from files, as a service does. judged: the lists that the same models gave all `customers` in
    blocks. features: what was found when online features were compared.
    """
    rows = np.unique(np.linspace(0, len(customers) - 1, ASKED).astype(int))
    same, milliseconds = _ask(recommender, customers, rows, judged)
    return ServingFacts(
        agreement=same,
        milliseconds=milliseconds,
        champion_milliseconds=None if champion is None else _ask(champion, customers, rows, judged)[1],
        megabytes=sum(path.stat().st_size for path in files) / 1e6,
        features=features,
    )


def _ask(
    recommender: Recommender, customers: Sequence[Customer], rows: np.ndarray, judged: Slates
) -> tuple[float, float]:
    index = recommender.catalogue.index
    places, same, seconds = 0, 0, []
    for row in rows:
        online = Customer.from_features(customers[row].to_features())
        for slate in SLATES:
            started = time.perf_counter()
            answer = recommender.recommend(online, slate, FIRST)
            seconds.append(time.perf_counter() - started)
            expected = judged[slate].positions[row, :FIRST]
            given = np.array([index[item.product_id] for item in answer.items])
            places += len(expected)
            same += int((given == expected[: len(given)]).sum()) + (len(expected) - len(given))
    return same / places, 1000 * float(np.median(seconds))
