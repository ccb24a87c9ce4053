"""Build the service's application: BentoML's, with the middleware around it."""

from starlette.types import ASGIApp

from outbox.store import open_store, store_url
from serving._private import OpenApiDocument, ServiceWithMiddleware
from serving.api.openapi import describe
from serving.config import CONFIG
from serving.middleware.admission import concurrency_limiter
from serving.middleware.allowed_paths import AllowedPathsMiddleware
from serving.middleware.api_keys import ApiKeyStore
from serving.middleware.auth import ApiKeyMiddleware
from serving.middleware.health import ReadinessMiddleware, readiness
from serving.middleware.rate_limit import TokenBucketLimiter
from serving.middleware.request_validation import RequestValidationMiddleware
from serving.middleware.unsubscribe import UnsubscribeMiddleware
from serving.ui.endpoints import ApiPageMiddleware
from settings import load_settings


class ReachService(ServiceWithMiddleware):
    """Serve BentoML's APIs behind the middleware, which reads each API's path and limits from its request type."""

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return the application with its middleware: key, path, links, readiness, body, then BentoML."""
        settings = load_settings()
        requests = {api.route: api.input_spec for api in self.apis.values()}
        app = RequestValidationMiddleware(app, requests, concurrency_limiter(), CONFIG)
        app = ApiPageMiddleware(ReadinessMiddleware(app, readiness()))
        key = settings.unsubscribe_key.get_secret_value() if settings.unsubscribe_key else None
        app = UnsubscribeMiddleware(app, lambda: open_store(store_url(settings)), key)
        app = AllowedPathsMiddleware(app, requests)
        return ApiKeyMiddleware(
            app,
            ApiKeyStore.parse(settings.api_keys),
            {path: request.SCOPE for path, request in requests.items()},
            TokenBucketLimiter(settings.rate_limit_per_second),
        )

    def describe(self) -> OpenApiDocument:
        """Return the OpenAPI document; it asks for an API key if the service has keys."""
        version = (self.bento and self.bento.tag.version) or "unreleased"
        keys = ApiKeyStore.parse(load_settings().api_keys)
        return describe(self.name, version, self.inner.__doc__ or "", self.apis.values(), bool(keys))
