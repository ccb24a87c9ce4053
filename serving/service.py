"""Define the BentoML service: its endpoints and its wiring."""

import logging
import sys
from collections.abc import Awaitable
from typing import TypeVar

import bentoml

from core.clock import utc_now
from events.factory import open_event_log
from features.feast_import import typeguard_disabled
from outbox.store import open_store, store_url
from serving._private import host_option
from serving.api.schemas import RecommendRequest, RecommendResponse, RerankRequest, SimilarItemsRequest
from serving.app import ReachService
from serving.config import CONFIG
from serving.customer_state.feature_client import CustomerReader, FeatureClient, NoEvents
from serving.customer_state.published_scores import PublishedScores
from serving.decision_log import DecisionLog
from serving.errors import ServingError
from serving.experiments.announced import AnnouncedExperiments
from serving.experiments.treatment import Treatments
from serving.handlers.audience import AudienceHandler, AudienceRequest, AudienceResponse
from serving.handlers.consents import ConsentRequest, ConsentResponse, ConsentsHandler
from serving.handlers.events import EventsHandler, EventsRequest, EventsResponse
from serving.handlers.history import HistoryRequest, HistoryResponse
from serving.handlers.offers import OffersHandler, OffersRequest, OffersResponse
from serving.handlers.profile import ProfileHandler, ProfileRequest, ProfileResponse
from serving.handlers.recommendations import RecommendationHandler
from serving.metrics import LATENCY_BUCKETS_S, metrics
from serving.middleware.admission import concurrency_limiter
from serving.middleware.api_keys import ApiKeyStore
from serving.middleware.auth import require_keys
from serving.middleware.health import ReadyResponse, readiness
from serving.model.bundle_source import follow_champion, pinned_bundle
from serving.model.watcher import ModelWatcher
from serving.ui.endpoints import UiEndpoints, page
from serving.workers import Workers, metrics_folder
from settings import Settings, load_settings, settings_fingerprint

WORKER_ENVIRONMENT = {
    # BLAS reads these when numpy is imported. One request's matrices are small, so more threads only cost CPU time (six
    # times as much).
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    # Each malloc arena retains the memory that its threads free.
    "MALLOC_ARENA_MAX": "2",
}
"""Variables that BentoML sets before a worker's Python starts."""

HOST = "127.0.0.1"

Answer = TypeVar("Answer")


class Reach:
    """Recommend products to a retailer's customers: use `POST /recommend`, `/rerank` or `/similar_items`.

    `POST /events` accepts what customers do, and the next answer reflects it. `POST /profile` returns what is known of
    a customer, `POST /audience` the customers to reach, `POST /offers` the coupons for a customer.
    `POST /consents` stores whether a customer wants messages.

    `GET /ui/`: a page for people. `GET /livez`: the process runs. `GET /readyz`: a version is loaded, and the online
    store is open or could not be opened. `GET /metrics`: metrics for Prometheus.
    """

    def __init__(self) -> None:
        # BentoML shows only warnings of other loggers; operators also need to see reloads.
        logging.getLogger("reach").setLevel(logging.INFO)
        # With the default, the event loop would wait 5 ms for a scoring thread after every system call.
        sys.setswitchinterval(CONFIG.gil_switch_interval_s)
        settings = load_settings()
        self._settings = settings_fingerprint(settings)
        read_alias, load = pinned_bundle(service.bento, settings) if service.bento else follow_champion(settings)
        self._workers = Workers(metrics_folder())
        self._experiments = AnnouncedExperiments(settings.paths.announced_experiments, CONFIG, metrics())
        self._watcher = ModelWatcher(
            read_alias,
            load,
            CONFIG,
            metrics(),
            publish=self._workers.publish,
            experiment_version=lambda: self._experiments.version(utc_now()),
        )
        self._event_log = open_event_log(settings, CONFIG.event_commit_timeout_s)
        self._features = FeatureClient(lambda: open_customers(settings), self._event_log, CONFIG)
        self._decisions = DecisionLog(self._event_log.append_decisions, CONFIG, metrics())
        self._recommendations = RecommendationHandler(
            lambda: self._watcher.current,
            self._features,
            concurrency_limiter(),
            self._decisions,
            Treatments(lambda: self._experiments.current, self._watcher.in_memory),
            CONFIG,
            metrics(),
        )
        self._profiles = FeatureClient(lambda: open_profiles(settings), NoEvents(), CONFIG)
        self._profile = ProfileHandler(self._profiles, settings.paths.customers.exists, metrics())
        scores = PublishedScores(settings.paths.customers)
        self._audience = AudienceHandler(scores.current, settings.paths.admitted / "coupons.parquet")
        self._offers = OffersHandler(settings.paths.customers)
        self._consents = ConsentsHandler(lambda: open_store(store_url(settings)), settings.contact_policy, CONFIG)
        self._events = EventsHandler(self._event_log, CONFIG, metrics())
        self.page = UiEndpoints(self._watcher, self._features)
        self._decisions.start()
        readiness().report, readiness().remove_dead_workers = self._report, self._workers.remove_dead
        # BentoML accepts requests when this returns, so requests to a restarting process wait instead of failing.
        self._features.start()
        self._experiments.start()
        self._watcher.start()
        self._features.wait(CONFIG.startup_timeout_s)
        # Afterwards, so that recommendations never wait for it.
        self._profiles.start()

    @bentoml.on_deployment
    @staticmethod
    def require_keys() -> None:
        """Check, however the service is started, that it has API keys or listens on loopback only."""
        require_keys(ApiKeyStore.parse(load_settings().api_keys), host_option() or HOST)

    @bentoml.on_shutdown
    def stop(self) -> None:
        """Stop the threads, and write what is queued."""
        self._watcher.stop()
        self._experiments.stop()
        self._features.stop()
        self._profiles.stop()
        self._decisions.stop()
        self._event_log.close()
        self._workers.close()

    def _report(self) -> ReadyResponse:
        return ReadyResponse(
            ready=self._watcher.current is not None and self._features.startup_attempted,
            **self._watcher.report(),
            online_store=self._features.state,
            settings=self._settings,
            workers=self._workers.report(),
        )

    @bentoml.api(route="/recommend")
    async def recommend(self, request: RecommendRequest, /) -> RecommendResponse:
        """Return the best products for one customer, best first.

        A customer without a history gets popular products, and `fallback` names the reason: this is not an error.
        Age-restricted products are left out of every list, unless REACH_EXCLUDE_RESTRICTED is False.
        Wrong requests get 400 with a sentence per field; 503 means that no version serves yet.
        """
        return await _answered(self._recommendations.recommend(request))

    @bentoml.api(route="/rerank")
    async def rerank(self, request: RerankRequest, /) -> RecommendResponse:
        """Return the given products, and no others, in one customer's order.

        They are scored like the candidates of `/recommend`. Products that this version does not contain are left out
        and named in `unknown_product_ids`. Age-restricted ones are left out, unless REACH_EXCLUDE_RESTRICTED is False.
        """
        return await _answered(self._recommendations.recommend(request))

    @bentoml.api(route="/similar_items")
    async def similar_items(self, request: SimilarItemsRequest, /) -> RecommendResponse:
        """Return products like one product, or often bought with it; 404 for an unknown product.

        Age-restricted products are left out, unless REACH_EXCLUDE_RESTRICTED is False.
        """
        return await _answered(self._recommendations.similar_items(request))

    @bentoml.api(route="/history")
    async def history(self, request: HistoryRequest, /) -> HistoryResponse:
        """Return what a customer bought, as the models see it.

        This is personal data: if the service has API keys, one with the scope `admin` is needed.
        """
        return await _answered(self._recommendations.history(request))

    @bentoml.api(route="/profile")
    async def profile(self, request: ProfileRequest, /) -> ProfileResponse:
        """Return what is known of a customer: predictions with intervals, tags with their evidence, segments.

        This is personal data: if the service has API keys, one with the scope `marketing` is needed. 404 if the
        published scores do not contain the customer; 503 if none are published, or the online store does not answer.
        """
        return await _answered(self._profile.profile(request))

    @bentoml.api(route="/audience")
    async def audience(self, request: AudienceRequest, /) -> AudienceResponse:
        """Return the customers to reach for categories, products or coupons, or like given customers.

        Calibrated probabilities come with a curve of expected buyers. 404 if no customer can be reached; the sentence
        names the reason. The scope `marketing` is needed.
        """
        return await _answered(self._audience.audience(request))

    @bentoml.api(route="/offers")
    async def offers(self, request: OffersRequest, /) -> OffersResponse:
        """Return the coupons to offer one customer within a budget, the best first.

        404 if the customer has no offers. The scope `marketing` is needed.
        """
        return await _answered(self._offers.offers(request))

    @bentoml.api(route="/consents")
    async def consents(self, request: ConsentRequest, /) -> ConsentResponse:
        """Store a customer's yes or no to messages: it is on disk with the answer, and the sender's next look finds it.

        Of several answers the newest counts, and the response names it. The scope `marketing` is needed. With 503 the
        answer may not be stored; then send it again.
        """
        return await _answered(self._consents.record(request))

    @bentoml.api(route="/events")
    async def events(self, request: EventsRequest, /) -> EventsResponse:
        """Store what customers did: the batch is on disk with the answer, and the next `/recommend` reflects it.

        Events may come late, in any order and repeatedly: each `event_id` counts once. A batch is stored whole. With
        503 it may not be stored; then send it again.
        """
        return await _answered(self._events.ingest(request))


async def _answered(answer: Awaitable[Answer]) -> Answer:
    try:
        return await answer
    except ServingError as error:
        # BentoML sends a response object unchanged, but hides the message of an error with a status of 500 or more.
        return error.response()  # type: ignore[return-value]


service = bentoml.service(
    name="reach",
    description=Reach.__doc__,
    service_class=ReachService,
    workers=1,
    envs=[{"name": name, "value": value} for name, value in WORKER_ENVIRONMENT.items()],
    traffic={"timeout": CONFIG.request_timeout_s},
    http={"host": HOST},
    metrics={"duration": {"buckets": list(LATENCY_BUCKETS_S)}},
    logging={"access": {"enabled": False}},
)(Reach)
service.mount_asgi_app(page(lambda: bentoml.get_current_service().page), path="/ui", name="ui")


def open_profiles(settings: Settings) -> CustomerReader:
    """Open the online store of customers' profiles; without published scores, each read raises an error."""
    with typeguard_disabled():
        from feature_store.profiles.reader import ProfileReader

    return ProfileReader(settings)


def open_customers(settings: Settings) -> CustomerReader:
    """Open the online store. Importing Feast takes seconds, so a thread calls this while the service starts."""
    with typeguard_disabled():
        from feature_store.online.reader import OnlineFeatureReader

    customers = OnlineFeatureReader(settings)
    customers.warm_up()
    return customers
