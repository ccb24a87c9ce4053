"""One answer, from a valid request to a ranked list: features, scoring, and why a list is not the model's."""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast
from uuid import uuid4

from scoring.bundle import Bundle
from scoring.customer import Customer
from scoring.recommender import Recommendation
from serving.errors import NoChampionError, ScoringFailedError
from serving.features import FeatureReads, Read
from serving.freshness import is_stale
from serving.limits import Limits
from serving.metrics import Metrics
from serving.schemas import Fallback, RecommendedItem, RecommendRequest, RecommendResponse

logger = logging.getLogger("reach.serving")


class Answers:
    """Answers requests with whatever bundle serves at that moment."""

    def __init__(self, champion: Callable[[], Bundle | None], features: FeatureReads, limits: Limits, metrics: Metrics):
        self._champion = champion
        self._features = features
        self._limits = limits
        self._metrics = metrics
        self._scorers = ThreadPoolExecutor(limits.scoring_threads, thread_name_prefix="scoring")

    async def answer(self, request: RecommendRequest) -> RecommendResponse:
        """A ranked list for the request's customer.

        Raises NoChampionError if nothing serves yet, ScoringFailedError if the bundle cannot score this customer.
        """
        bundle = self._champion()  # once: a swap in the middle must not mix two versions
        if bundle is None:
            raise NoChampionError(
                "No version serves yet. Deploy one with 'python -m release deploy': it answers seconds later."
            )
        request_id = uuid4().hex
        read = await self._read(request.customer_id, bundle)
        answer = await self._score(bundle, read, request, request_id)
        # Of a customer we could not ask about we cannot say "unknown".
        fallback = answer.fallback if read.outcome in ("found", "unknown") else "features_unavailable"
        self._metrics.answers.labels(request.slate, fallback or "none").inc()
        return RecommendResponse(
            request_id=request_id,
            model_version=bundle.version,
            as_of=bundle.as_of,
            fallback=cast(Fallback | None, fallback),
            items=[RecommendedItem(**vars(item)) for item in answer.items],
        )

    async def _read(self, customer_id: str, bundle: Bundle) -> Read:
        started = time.perf_counter()
        read = await self._features.read(customer_id)
        self._metrics.feature_seconds.observe(time.perf_counter() - started)
        self._metrics.feature_reads.labels(read.outcome).inc()
        if read.features is not None and is_stale(read.features, bundle.as_of, self._limits.fresh_days):
            self._metrics.stale.inc()
        return read

    async def _score(self, bundle: Bundle, read: Read, request: RecommendRequest, request_id: str) -> Recommendation:
        loop = asyncio.get_running_loop()
        try:
            with self._metrics.scoring.time():
                return await loop.run_in_executor(self._scorers, _recommend, bundle, read, request)
        except Exception as error:
            self._metrics.failed.inc()
            # Where, not what: the error's own words could quote a customer's features.
            places = "".join(traceback.format_tb(error.__traceback__))
            logger.error(
                "Request %s: %s in version %s at\n%s",
                request_id,
                type(error).__name__,
                bundle.version,
                places,
            )
            raise ScoringFailedError(
                f"Version {bundle.version} could not answer; the service's log has it under {request_id}."
            ) from error


def _recommend(bundle: Bundle, read: Read, request: RecommendRequest) -> Recommendation:
    customer = None if read.features is None else Customer.from_features(read.features)
    return bundle.recommender.recommend(customer, request.slate, request.k)
