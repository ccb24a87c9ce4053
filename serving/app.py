"""The order in which a request passes: may it come in, is there such a path, is its body right; then BentoML."""

from functools import cached_property
from typing import Any

from _bentoml_sdk import Service
from bentoml._internal.container import BentoMLContainer
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette
from starlette.types import ASGIApp

from serving.api.openapi import OpenApiDocument, describe
from serving.config import CONFIG
from serving.middleware.admission import concurrency_limiter
from serving.middleware.allowed_paths import AllowedPathsMiddleware
from serving.middleware.api_keys import ApiKeyStore
from serving.middleware.auth import ApiKeyMiddleware
from serving.middleware.health import ReadinessMiddleware, readiness
from serving.middleware.rate_limit import TokenBucketLimiter
from serving.middleware.request_validation import RequestValidationMiddleware
from serving.ui.endpoints import ApiPageMiddleware
from settings import load_settings


class ServiceWithMiddleware(Service[Any]):
    """A BentoML service behind its guards. What each API's request type says of its route, they hold it to.

    The guards stand before BentoML's own layers: to turn a request away costs a tenth of what those do.
    """

    @cached_property
    def openapi_spec(self) -> OpenApiDocument:
        version = (self.bento and self.bento.tag.version) or "unreleased"
        keys = ApiKeyStore.parse(load_settings().api_keys)
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
        validation = RequestValidationMiddleware(app, requests, concurrency_limiter(), CONFIG)
        return ApiKeyMiddleware(
            AllowedPathsMiddleware(ApiPageMiddleware(ReadinessMiddleware(validation, readiness())), requests),
            ApiKeyStore.parse(settings.api_keys),
            {path: request.SCOPE for path, request in requests.items()},
            TokenBucketLimiter(settings.rate_limit),
        )
