"""Answer requests for lists: treat by experiments, read features, score, and record all but previews."""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

from events.records import Decision, Exposure, ShownItem
from scoring.bundle import Bundle
from scoring.fallback import Fallback
from scoring.recommender import Item, Recommendation
from scoring.request import RecommendationRequest
from scoring.timing import StageTimings, mark, record_timings
from serving.api.schemas import (
    RecommendedItem,
    RecommendRequest,
    RecommendResponse,
    RerankRequest,
    ServedVariant,
    SimilarItemsRequest,
    WithBusinessRules,
)
from serving.config import ServiceConfig
from serving.customer_state.feature_client import FeatureClient, FeatureResult
from serving.customer_state.realtime import customer_at_request_time, feature_state
from serving.customer_state.stale_cache import StaleFeatureCache
from serving.decision_log import DecisionLog
from serving.errors import NoChampionError, ScoringFailedError, UnknownProductError
from serving.experiments.treatment import Treatment, Treatments
from serving.handlers.history import HistoryRequest, HistoryResponse, build_history
from serving.metrics import Metrics
from serving.middleware.admission import ConcurrencyLimiter

logger = logging.getLogger("reach.serving")

SIMILAR_SLATE = "similar"
"""Slate of similar items in metrics and in the decision log."""


class RecommendationHandler:
    """Answer requests with the bundle that serves at that moment.

    Args:
        champion: Returns the bundle that serves; None if there is none.
        features: Reads features and recent purchases.
        limiter: Limits how many requests are answered at once.
        decisions: Records each answer that is not a preview.
        treatments: Assigns customers to the variants of experiments.
        config: Limits and timeouts.
        metrics: Counts answers and times their stages.
    """

    def __init__(
        self,
        champion: Callable[[], Bundle | None],
        features: FeatureClient,
        limiter: ConcurrencyLimiter,
        decisions: DecisionLog,
        treatments: Treatments,
        config: ServiceConfig,
        metrics: Metrics,
    ):
        self._champion = champion
        self._features = features
        self._limiter = limiter
        self._decisions = decisions
        self._treatments = treatments
        self._config = config
        self._metrics = metrics
        self._stale_cache = StaleFeatureCache(config)
        self._scorers = ThreadPoolExecutor(config.scoring_threads, thread_name_prefix="scoring")

    async def recommend(self, body: RecommendRequest | RerankRequest) -> RecommendResponse:
        """Return a customer's list: of the best products, or of the given ones in the customer's order.

        Experiments cover lists of the best products. A customer whose variant recommends nothing gets an empty list.

        Raises:
            NoChampionError: No version serves yet.
            UnknownVariantError: The request chooses a variant that no announced experiment has.
            ScoringFailedError: The bundle cannot score this customer.
        """
        champion, request, request_id = self._current_bundle(), body.recommendation_request(), uuid4().hex
        with self._metrics.stages.labels("assignment").time():
            treatment = (
                Treatment(champion, request)
                if isinstance(body, RerankRequest)
                else self._treatments.treat(champion, request, body.model_fields_set, body.variants)
            )
        bundle, request = treatment.bundle, treatment.request
        if not treatment.recommends:
            answer = Recommendation([], "holdout")
            await self._record(bundle, request_id, request.slate, answer, body, body.customer_id, treatment)
            return _response(bundle, request_id, answer, body, request.k, request.basket, treatment)
        async with self._limiter:
            result = await self._read(body.customer_id)
            features = feature_state(result, bundle.as_of, self._config.max_feature_age_days)

            def score() -> Recommendation:
                customer = customer_at_request_time(result, bundle, request, self._metrics)
                mark("customer")
                return bundle.recommender.recommend(customer, request, features)

            answer = await self._score(bundle, score, request_id)
        if features == "stale":
            self._metrics.stale.inc()
        await self._record(bundle, request_id, request.slate, answer, body, body.customer_id, treatment)
        with self._metrics.stages.labels("encoding").time():
            named = [*(request.restrict_to or ()), *request.basket]
            return _response(bundle, request_id, answer, body, request.k, named, treatment)

    async def similar_items(self, body: SimilarItemsRequest) -> RecommendResponse:
        """Return products like the request's.

        Raises:
            NoChampionError: No version serves yet.
            ScoringFailedError: The bundle cannot answer.
            UnknownProductError: The bundle does not contain the product.
        """
        bundle, request_id = self._current_bundle(), uuid4().hex
        if body.product_id not in bundle.recommender.catalogue.index:
            raise UnknownProductError(
                f"Version {bundle.version} does not contain the product '{body.product_id}'. It contains products sold "
                f"before {bundle.as_of} or on a mailer planned then; newer ones come with the next version."
            )
        async with self._limiter:
            answer = await self._score(
                bundle,
                lambda: bundle.recommender.similar(body.product_id, body.k, body.business_rules()),
                request_id,
            )
        await self._record(bundle, request_id, SIMILAR_SLATE, answer, body, None)
        return _response(bundle, request_id, answer, body, body.k, [])

    async def history(self, body: HistoryRequest) -> HistoryResponse:
        """Return the customer's purchases.

        Raises:
            NoChampionError: No version serves yet; the products' names come from the version.
        """
        bundle = self._current_bundle()
        result = await self._read(body.customer_id)
        customer = customer_at_request_time(result, bundle, RecommendationRequest(), self._metrics)
        return build_history(result, customer, bundle.recommender.catalogue, body.k)

    def _current_bundle(self) -> Bundle:
        bundle = self._champion()  # once per request, because a swap in between must not mix two versions
        if bundle is None:
            raise NoChampionError(
                "No version serves yet. Deploy one with '.venv/bin/python -m registry deploy', then try again."
            )
        return bundle

    async def _read(self, customer_id: str) -> FeatureResult:
        started = time.perf_counter()
        result = await self._features.read(customer_id)
        self._metrics.stages.labels("online_read").observe(time.perf_counter() - started)
        self._metrics.feature_reads.labels(result.outcome).inc()
        self._metrics.recent_purchase_reads.labels(result.purchase_status).inc()
        return self._stale_cache.fill(customer_id, result)

    async def _score(self, bundle: Bundle, score: Callable[[], Recommendation], request_id: str) -> Recommendation:
        loop = asyncio.get_running_loop()
        try:
            with self._metrics.scoring.time():
                answer, timings = await loop.run_in_executor(self._scorers, _score_with_timings, score)
        except Exception as error:
            self._metrics.failed.inc()
            # The stack is logged without the error's message, which may contain a customer's features.
            stack = "".join(traceback.format_tb(error.__traceback__))
            logger.error("Request %s: %s in version %s at\n%s", request_id, type(error).__name__, bundle.version, stack)
            raise ScoringFailedError(
                f"Version {bundle.version} could not answer; see {request_id} in the service's log."
            ) from error
        for stage, seconds in timings.seconds.items():
            self._metrics.stages.labels(stage).observe(seconds)
        if timings.candidates:
            self._metrics.candidates.observe(timings.candidates)
        return answer

    async def _record(
        self,
        bundle: Bundle,
        request_id: str,
        slate: str,
        answer: Recommendation,
        body: WithBusinessRules,
        customer_id: str | None,
        treatment: Treatment | None = None,
    ) -> None:
        fallback: Fallback | None = answer.fallback
        self._metrics.answers.labels(slate, fallback or "none").inc()
        if body.preview:
            return
        items = [ShownItem(item.product_id, item.source, item.score) for item in answer.items]
        decision = Decision(request_id, customer_id, slate, bundle.version, fallback, items)
        exposures = treatment.exposures if treatment else ()
        if not exposures:
            self._decisions.add(decision)
            return
        for exposure in exposures:
            self._metrics.exposures.labels(exposure.experiment_id, exposure.variant, exposure.served).inc()
        first = exposures[0]
        await self._decisions.add_and_wait(
            replace(
                decision,
                experiment_id=first.experiment_id,
                variant=first.variant,
                is_holdout=first.is_holdout,
                exposures=exposures,
            )
        )


def _score_with_timings(score: Callable[[], Recommendation]) -> tuple[Recommendation, StageTimings]:
    with record_timings() as timings:
        answer = score()
        mark("rules")
    return answer, timings


def _response(
    bundle: Bundle,
    request_id: str,
    answer: Recommendation,
    body: WithBusinessRules,
    k: int,
    named: Sequence[str],
    treatment: Treatment | None = None,
) -> RecommendResponse:
    """Return the answer's body. `named`: the product ids of the request besides those of its business rules."""
    catalogue = bundle.recommender.catalogue
    return RecommendResponse(
        request_id=request_id,
        model_version=bundle.version,
        as_of=bundle.as_of,
        fallback=answer.fallback,
        experiments=[_served(exposure) for exposure in (treatment.exposures if treatment else ())],
        missing_items=k - len(answer.items),
        unknown_product_ids=_unknown([*named, *body.exclude], catalogue.index),
        unknown_categories=_unknown([*body.include_categories, *body.exclude_categories], catalogue.categories),
        items=[_item(item) for item in answer.items],
    )


def _served(exposure: Exposure) -> ServedVariant:
    return ServedVariant(
        experiment_id=exposure.experiment_id,
        variant=exposure.variant,
        served=exposure.served,
        is_override=exposure.is_override,
    )


def _item(item: Item) -> RecommendedItem:
    return RecommendedItem(**vars(item) | {"name": item.name or None, "category": item.category or None})


def _unknown(names: Sequence[str], index: Mapping[str, int]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in index]
