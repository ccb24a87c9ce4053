"""Check each request's API key and its rate; without API keys, accept requests from this machine only."""

import ipaddress
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import ApiKeyConfigError, ForbiddenError, ServingError
from serving.metrics import metrics
from serving.middleware import unsubscribe
from serving.middleware.api_keys import ApiKeyStore
from serving.middleware.rate_limit import TokenBucketLimiter
from serving.ui.endpoints import UI_FILES

PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/docs.json", unsubscribe.PATH}) | UI_FILES
"""Paths that need no key. The health checks are for the process's supervisor and show only whether it runs and which
version serves. An unsubscribe link contains its own key. The API's description and the pages' files hold no data of the
shop; the pages ask their user for a key."""

SCOPES_OF_KEY = "reach.scopes"
"""Key of an ASGI scope under which the scopes of the request's API key are passed on; absent without API keys."""

NO_KEYS = "Make one with '.venv/bin/python -m serving hash-key' and put its entry into REACH_API_KEYS."


class ApiKeyMiddleware:
    """Let only requests with a valid key pass.

    Args:
        app: The application behind this one.
        keys: The valid keys; if there are none, only requests over loopback pass.
        scopes: The scope that each path needs; other paths need `admin`.
        rate_limit: Limits the requests of each key.
    """

    def __init__(self, app: ASGIApp, keys: ApiKeyStore, scopes: Mapping[str, str], rate_limit: TokenBucketLimiter):
        self._app = app
        self._keys = keys
        self._scopes = scopes
        self._rate_limit = rate_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401, 403 or 429."""
        if scope["type"] == "http" and scope["path"] not in PUBLIC_PATHS:
            try:
                self._check(scope)
            except ServingError as error:
                metrics().rejected.labels(int(error.status)).inc()
                await error.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if not self._keys:
            # The start-up check (require_keys) refuses this too; here it holds for any way to start a process.
            if scope.get("server") and not is_loopback(scope["server"][0]):
                raise ForbiddenError("This service has no API keys, so it answers on loopback only.")
            return
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        key = self._keys.check(authorization.decode("latin-1"), self._scopes.get(scope["path"], "admin"))
        self._rate_limit.take(key.name)
        scope[SCOPES_OF_KEY] = key.scopes


def require_keys(keys: ApiKeyStore, host: str) -> None:
    """Check that the service has API keys if it listens beyond this machine.

    Raises:
        ApiKeyConfigError: There are no keys, and `host` is not a loopback address.
    """
    if not keys and not is_loopback(host):
        raise ApiKeyConfigError(f"Without API keys the service listens on loopback only, not on {host}. {NO_KEYS}")


def is_loopback(host: str) -> bool:
    """Return whether an address, or a unix socket's path, can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")
