"""The service BentoML runs: wiring and HTTP. One process; a new champion is swapped in while it answers."""

import logging
import sys
from collections.abc import Awaitable
from typing import TypeVar

import bentoml
import click

from events.event_log import open_journal
from serving.api.schemas import RecommendRequest, RecommendResponse, RerankRequest, SimilarItemsRequest
from serving.app import ServiceWithMiddleware
from serving.config import CONFIG
from serving.customer_state.fast_feast_import import typeguard_disabled
from serving.customer_state.feature_client import CustomerReader, FeatureClient
from serving.decision_log import DecisionLog
from serving.errors import ServingError
from serving.handlers.events import EventsHandler, EventsRequest, EventsResponse
from serving.handlers.history import HistoryRequest, HistoryResponse
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

# BentoML sets these before Python starts in its worker. BLAS reads them once, when numpy is imported: the
# matrices of one request are small: more threads cost six times the processor time and bring nothing.
# ONNX Runtime reports to its maker unless told not to. Each arena of the C library's allocator keeps what its threads
# have freed.
WORKER_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "MALLOC_ARENA_MAX": "2",
}


HOST = "127.0.0.1"

Answer = TypeVar("Answer")


class Reach:
    """Recommendations for a retailer's customers: ask `POST /recommend`, `/rerank` or `/similar_items`.

    `POST /events` takes what customers do, and the next answer reflects it.

    `GET /ui/`: a page for people. `GET /livez`: the process runs. `GET /readyz`: a version is loaded, and the online
    store was opened or could not be. `GET /metrics`: Prometheus.
    """

    def __init__(self) -> None:
        # Operators want to read of swaps; BentoML shows only the warnings of other loggers.
        logging.getLogger("reach").setLevel(logging.INFO)
        # Under load the event loop would wait five milliseconds for a scoring thread after every system call.
        sys.setswitchinterval(CONFIG.gil_switch_interval_s)
        settings = load_settings()
        self._settings = settings_fingerprint(settings)
        read_alias, load = pinned_bundle(service.bento) if service.bento else follow_champion(settings)
        self._workers = Workers(metrics_folder())
        self._champion = ModelWatcher(read_alias, load, CONFIG, metrics(), publish=self._workers.publish)
        self._journal = open_journal(settings, CONFIG.event_commit_timeout_s)
        self._features = FeatureClient(lambda: open_customers(settings), self._journal, CONFIG)
        self._decisions = DecisionLog(self._journal.append_decisions, CONFIG, metrics())
        self._recommendations = RecommendationHandler(
            lambda: self._champion.current, self._features, concurrency_limiter(), self._decisions, CONFIG, metrics()
        )
        self._events = EventsHandler(self._journal, CONFIG, metrics())
        self.page = UiEndpoints(self._champion, self._features)
        self._decisions.start()
        readiness().ask, readiness().forget_dead = self._readiness, self._workers.forget_dead
        # BentoML opens the door when this returns: one that restarts lets requests wait instead of failing them.
        self._features.start()
        self._champion.start()
        self._features.wait(CONFIG.startup_timeout_s)

    @bentoml.on_deployment
    @staticmethod
    def require_keys() -> None:
        """However it is started: no keys, no address but loopback."""
        require_keys(ApiKeyStore.parse(load_settings().api_keys), address_to_serve())

    @bentoml.on_shutdown
    def stop(self) -> None:
        self._champion.stop()
        self._features.stop()
        self._decisions.stop()
        self._journal.close()
        self._workers.close()

    def _readiness(self) -> ReadyResponse:
        return ReadyResponse(
            ready=self._champion.current is not None and self._features.startup_attempted,
            **self._champion.report(),
            online_store=self._features.state,
            settings=self._settings,
            workers=self._workers.report(),
        )

    @bentoml.api(route="/recommend")
    async def recommend(self, request: RecommendRequest, /) -> RecommendResponse:
        """The best products for one customer, best first.

        A customer without a history gets popular products, and `fallback` says so: an answer, not an error.
        Wrong requests get 400 with a sentence a field; 503 means that no version serves yet.
        """
        return await _answered(self._recommendations.recommend(request))

    @bentoml.api(route="/rerank")
    async def rerank(self, request: RerankRequest, /) -> RecommendResponse:
        """The given products in one customer's order, scored like `/recommend`'s candidates; no others are added.

        Products that this version does not know are left out and named in `unknown_product_ids`.
        """
        return await _answered(self._recommendations.rerank(request))

    @bentoml.api(route="/similar_items")
    async def similar_items(self, request: SimilarItemsRequest, /) -> RecommendResponse:
        """Products like one product, or often bought with it. 404 if this version does not know the product."""
        return await _answered(self._recommendations.similar_items(request))

    @bentoml.api(route="/history")
    async def history(self, request: HistoryRequest, /) -> HistoryResponse:
        """What a customer bought, as the models see it: the facts behind the lists.

        It is personal data: where there are API keys, one with the scope `admin` is needed.
        """
        return await _answered(self._recommendations.history(request))

    @bentoml.api(route="/events")
    async def events(self, request: EventsRequest, /) -> EventsResponse:
        """What customers did. When this answers, the batch is on disk, and the next `/recommend` reflects it.

        Events may come late, in any order and again: each `event_id` counts once. A batch is kept whole or, with 503,
        perhaps not at all; then send it again.
        """
        return await _answered(self._events.ingest(request))


async def _answered(answer: Awaitable[Answer]) -> Answer:
    try:
        return await answer
    except ServingError as error:
        # BentoML sends a response object as it is, but hides the message of any error above 499.
        return error.response()  # type: ignore[return-value]


service = bentoml.service(
    name="reach",
    description=Reach.__doc__,
    service_class=ServiceWithMiddleware,
    workers=1,
    envs=[{"name": name, "value": value} for name, value in WORKER_ENVIRONMENT.items()],
    traffic={"timeout": CONFIG.request_timeout_s},
    http={"host": HOST},
    metrics={"duration": {"buckets": list(LATENCY_BUCKETS_S)}},
    logging={"access": {"enabled": False}},
)(Reach)
service.mount_asgi_app(page(lambda: bentoml.get_current_service().page), path="/ui", name="ui")


def open_customers(settings: Settings) -> CustomerReader:
    """The online store, opened. Importing Feast takes seconds: a thread calls this while the service starts."""
    with typeguard_disabled():
        from feature_store.online.reader import OnlineFeatureReader

    customers = OnlineFeatureReader(settings)
    customers.warm_up()
    return customers


def address_to_serve() -> str:
    """Where `bentoml serve` is told to listen: by its option, by BENTOML_HOST, or by the service's own settings."""
    command = click.get_current_context(silent=True)
    return str(command.params["host"]) if command and command.params.get("host") else HOST
