"""One answer, from a valid request to a ranked list: features, scoring, and why a list is not the model's."""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast
from uuid import uuid4

from events.records import Decision, Shown
from scoring.bundle import Bundle
from scoring.customer.customer import Customer
from scoring.recommender import Item, Recommendation, Recommender
from scoring.timing import StageTimings, mark, record_timings
from serving.api.schemas import (
    Context,
    CustomerRequest,
    Fallback,
    RecommendedItem,
    RecommendRequest,
    RecommendResponse,
    RerankRequest,
    SimilarItemsRequest,
    WithBusinessRules,
)
from serving.config import ServiceConfig
from serving.customer_state.feature_client import FeatureClient, FeatureResult
from serving.customer_state.freshness import is_stale
from serving.customer_state.realtime import customer_at_request_time
from serving.customer_state.stale_cache import StaleFeatureCache
from serving.decision_log import DecisionLog
from serving.errors import NoChampionError, ScoringFailedError, UnknownProductError
from serving.handlers.history import HistoryRequest, HistoryResponse, build_history
from serving.metrics import Metrics
from serving.middleware.admission import ConcurrencyLimiter

logger = logging.getLogger("reach.serving")

SIMILAR_SLATE = "similar"
"""The slate of similar items in metrics and in the decision log."""


class RecommendationHandler:
    """Answer requests with whatever bundle serves at that moment."""

    def __init__(
        self,
        champion: Callable[[], Bundle | None],
        features: FeatureClient,
        limiter: ConcurrencyLimiter,
        decisions: DecisionLog,
        config: ServiceConfig,
        metrics: Metrics,
    ):
        self._champion = champion
        self._features = features
        self._decisions = decisions
        self._config = config
        self._metrics = metrics
        self._limiter = limiter
        self._stale_cache = StaleFeatureCache(config)
        self._scorers = ThreadPoolExecutor(config.scoring_threads, thread_name_prefix="scoring")

    async def recommend(self, request: RecommendRequest) -> RecommendResponse:
        """A ranked list for the request's customer.

        Raises NoChampionError if nothing serves yet, ScoringFailedError if the bundle cannot score this customer.
        """

        def score(recommender: Recommender, customer: Customer | None) -> Recommendation:
            return recommender.recommend(customer, request.slate, request.k, request.rules())

        return await self._recommend_for_customer(request, request.k, request.context.basket, score)

    async def rerank(self, request: RerankRequest) -> RecommendResponse:
        """The request's products in the customer's order. Raises as `recommend`."""
        given = dict.fromkeys(request.product_ids)
        k = request.k or len(given)

        def score(recommender: Recommender, customer: Customer | None) -> Recommendation:
            return recommender.rerank(customer, list(given), request.slate, k, request.rules())

        return await self._recommend_for_customer(request, k, [*given, *request.context.basket], score)

    async def similar_items(self, request: SimilarItemsRequest) -> RecommendResponse:
        """Products like the request's. Raises NoChampionError, ScoringFailedError and UnknownProductError."""
        bundle, request_id = self._current_bundle(), uuid4().hex
        if request.product_id not in bundle.recommender.catalogue.index:
            raise UnknownProductError(
                f"Version {bundle.version} does not know the product '{request.product_id}'. Ask about one that was "
                f"sold before {bundle.as_of} or is on a mailer planned then; newer ones come with the next version."
            )
        async with self._limiter:
            answer = await self._score(
                bundle, lambda: bundle.recommender.similar(request.product_id, request.k, request.rules()), request_id
            )
        self._metrics.answers.labels(SIMILAR_SLATE, "none").inc()
        self._decisions.add(Decision(request_id, None, SIMILAR_SLATE, bundle.version, None, _shown(answer)))
        return _response(bundle, request_id, answer, None, request, request.k, [])

    def _current_bundle(self) -> Bundle:
        bundle = self._champion()  # once a request: a swap in the middle must not mix two versions
        if bundle is None:
            raise NoChampionError(
                "No version serves yet. Deploy one with '.venv/bin/python -m registry deploy', then score again."
            )
        return bundle

    async def _recommend_for_customer(
        self,
        request: CustomerRequest,
        k: int,
        product_ids: Sequence[str],
        score: Callable[[Recommender, Customer | None], Recommendation],
    ) -> RecommendResponse:
        bundle, request_id = self._current_bundle(), uuid4().hex

        def of_customer() -> Recommendation:
            customer = customer_at_request_time(read, bundle, request.context, self._metrics)
            mark("customer")
            return score(bundle.recommender, customer)

        async with self._limiter:
            read = await self._read(request.customer_id, bundle)
            answer = await self._score(bundle, of_customer, request_id)
        fallback = self._feature_fallback(read, bundle) or answer.fallback
        self._metrics.answers.labels(request.slate, fallback or "none").inc()
        self._decisions.add(
            Decision(request_id, request.customer_id, request.slate, bundle.version, fallback, _shown(answer))
        )
        with self._metrics.stages.labels("encoding").time():
            return _response(bundle, request_id, answer, fallback, request, k, product_ids)

    async def history(self, request: HistoryRequest) -> HistoryResponse:
        """What the request's customer bought. Raises NoChampionError: the products' names are a version's."""
        bundle = self._current_bundle()
        read = await self._read(request.customer_id, bundle)
        customer = customer_at_request_time(read, bundle, Context(), self._metrics)
        return build_history(read, customer, bundle.recommender.catalogue, request.k)

    async def _read(self, customer_id: str, bundle: Bundle) -> FeatureResult:
        started = time.perf_counter()
        read = await self._features.read(customer_id)
        self._metrics.stages.labels("online_read").observe(time.perf_counter() - started)
        self._metrics.feature_reads.labels(read.outcome).inc()
        self._metrics.recent_purchase_reads.labels(read.purchase_status).inc()
        return self._stale_cache.fill(customer_id, read)

    def _feature_fallback(self, read: FeatureResult, bundle: Bundle) -> Fallback | None:
        """What the online store's state says of an answer, whatever the model says of it."""
        if read.from_cache:
            return "cached_features"
        if read.features is not None and is_stale(read.features, bundle.as_of, self._config.max_feature_age_days):
            self._metrics.stale.inc()
            return "stale_features"
        # Of a customer we could not score about we cannot say "unknown".
        return None if read.outcome in ("found", "unknown") else "features_unavailable"

    async def _score(self, bundle: Bundle, score: Callable[[], Recommendation], request_id: str) -> Recommendation:
        loop = asyncio.get_running_loop()
        try:
            with self._metrics.scoring.time():
                answer, stopwatch = await loop.run_in_executor(self._scorers, _score_with_timings, score)
        except Exception as error:
            self._metrics.failed.inc()
            # Where, not what: the error's own words could quote a customer's features.
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error(
                "Request %s: %s in version %s at\n%s",
                request_id,
                type(error).__name__,
                bundle.version,
                frames,
            )
            raise ScoringFailedError(
                f"Version {bundle.version} could not answer; the service's log has it under {request_id}."
            ) from error
        for stage, seconds in stopwatch.seconds.items():
            self._metrics.stages.labels(stage).observe(seconds)
        if stopwatch.candidates:
            self._metrics.candidates.observe(stopwatch.candidates)
        return answer


def _shown(answer: Recommendation) -> list[Shown]:
    return [Shown(item.product_id, item.source, item.score) for item in answer.items]


def _score_with_timings(score: Callable[[], Recommendation]) -> tuple[Recommendation, StageTimings]:
    with record_timings() as stopwatch:
        answer = score()
        mark("rules")
    return answer, stopwatch


def _response(
    bundle: Bundle,
    request_id: str,
    answer: Recommendation,
    fallback: str | None,
    request: WithBusinessRules,
    k: int,
    product_ids: Sequence[str],
) -> RecommendResponse:
    """product_ids: those the request names besides its rules."""
    catalogue = bundle.recommender.catalogue
    return RecommendResponse(
        request_id=request_id,
        model_version=bundle.version,
        as_of=bundle.as_of,
        fallback=cast(Fallback | None, fallback),
        missing_items=k - len(answer.items),
        unknown_product_ids=_unknown([*product_ids, *request.exclude], catalogue.index),
        unknown_categories=_unknown([*request.include_categories, *request.exclude_categories], catalogue.categories),
        items=[_item(item) for item in answer.items],
    )


def _item(item: Item) -> RecommendedItem:
    return RecommendedItem(**vars(item) | {"name": item.name or None, "category": item.category or None})


def _unknown(names: Sequence[str], known: Mapping[str, int]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in known]
