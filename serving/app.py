"""The order in which a request passes: may it come in, is there such a path, is its body right; then BentoML."""

from functools import cached_property
from typing import Any

from _bentoml_sdk import Service
from bentoml._internal.container import BentoMLContainer
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette
from starlette.types import ASGIApp

from serving.api.openapi import Description, describe
from serving.config import LIMITS
from serving.middleware.admission import places
from serving.middleware.allowed_paths import Fence
from serving.middleware.api_keys import Keys
from serving.middleware.auth import Access
from serving.middleware.health import TellsReadiness, readiness
from serving.middleware.rate_limit import RateLimit
from serving.middleware.request_validation import RequestDoor
from serving.ui.endpoints import ShowsApiPage
from settings import load_settings


class GuardedService(Service[Any]):
    """A BentoML service behind its guards. What each API's request type says of its route, they hold it to.

    The guards stand before BentoML's own layers: to turn a request away costs a tenth of what those do.
    """

    @cached_property
    def openapi_spec(self) -> Description:
        version = (self.bento and self.bento.tag.version) or "unreleased"
        keys = Keys.parse(load_settings().api_keys)
        return describe(self.name, version, self.inner.__doc__ or "", self.apis.values(), bool(keys))

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        settings = load_settings()
        requests = {api.route: api.input_spec for api in self.apis.values()}
        app: Starlette = super().to_asgi(is_main)
        if not BentoMLContainer.tracing.sample_rate.get():
            # Its spans are opened for every message of every request, also if nobody collects them, and cost more
            # than all of BentoML's other layers.
            tracing: Any = OpenTelemetryMiddleware
            app.user_middleware = [layer for layer in app.user_middleware if layer.cls is not tracing]
        door = RequestDoor(app, requests, places(), LIMITS)
        return Access(
            Fence(ShowsApiPage(TellsReadiness(door, readiness())), requests),
            Keys.parse(settings.api_keys),
            {path: request.SCOPE for path, request in requests.items()},
            RateLimit(settings.rate_limit),
        )
