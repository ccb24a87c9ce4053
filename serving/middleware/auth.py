"""Who may come in: whoever holds a key with the right scope; without keys, this machine alone."""

import ipaddress
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import ApiKeyConfigError, ForbiddenError, ServingError
from serving.metrics import metrics
from serving.middleware.api_keys import ApiKeyStore
from serving.middleware.rate_limit import TokenBucketLimiter
from serving.ui.endpoints import UI_FILES

PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/docs.json"}) | UI_FILES
"""Paths that need no key. The first three are asked by whatever watches over the process and answer only whether it
lives, and which version serves. The API's description and the pages' files hold nothing of the shop: the pages ask
their user for a key."""

NO_KEYS = "Make one with '.venv/bin/python -m serving hash-key' and put its entry into REACH_API_KEYS."


class ApiKeyMiddleware:
    """ASGI middleware. `scopes`: the scope that a path needs; paths that are not in it need `admin`."""

    def __init__(self, app: ASGIApp, keys: ApiKeyStore, scopes: Mapping[str, str], rate_limit: TokenBucketLimiter):
        self._app = app
        self._keys = keys
        self._scopes = scopes
        self._rate_limit = rate_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            # Starting is refused, too; this holds for whatever way a process was started.
            if scope.get("server") and not is_loopback(scope["server"][0]):
                raise ForbiddenError("This service has no API keys, so it answers on loopback only.")
            return
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        key = self._keys.check(authorization.decode("latin-1"), self._scopes.get(scope["path"], "admin"))
        self._rate_limit.take(key.name)


def require_keys(keys: ApiKeyStore, host: str) -> None:
    """Raise ApiKeyConfigError if the service would listen beyond this machine for anybody who asks."""
    if not keys and not is_loopback(host):
        raise ApiKeyConfigError(f"Without API keys the service listens on loopback only, not on {host}. {NO_KEYS}")


def is_loopback(host: str) -> bool:
    """Whether an address, or a unix socket's path, can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")
