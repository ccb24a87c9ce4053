"""Limit a request's size, time and number, and validate its body, before BentoML's layers.

BentoML accepts bodies of any size for any time. It answers wrong ones with pydantic's own messages, and logs a
traceback. This middleware validates a body once; BentoML gets the finished request.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from serving._private import VALIDATED_REQUEST
from serving.api.validation import MAX_ECHO_CHARS, ApiRequest
from serving.config import ServiceConfig
from serving.errors import (
    ForbiddenError,
    OverloadedError,
    PayloadTooLargeError,
    RequestTimeoutError,
    ServingError,
    UnsupportedMediaTypeError,
)
from serving.metrics import metrics
from serving.middleware.admission import ConcurrencyLimiter
from serving.middleware.auth import SCOPES_OF_KEY


class RequestValidationMiddleware:
    """Let only valid bodies pass.

    Args:
        app: The application behind this one.
        requests: The request type of each path with `POST`.
        limiter: Estimates how long a request would queue.
        config: Limits and timeouts.
    """

    def __init__(
        self,
        app: ASGIApp,
        requests: Mapping[str, type[ApiRequest]],
        limiter: ConcurrencyLimiter,
        config: ServiceConfig,
    ):
        self._app = app
        self._requests = requests
        self._limiter = limiter
        self._config = config
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the validated request on, or answer with the error."""
        request_type = self._requests.get(scope["path"]) if scope.get("method") == "POST" else None
        if request_type is None:
            await self._app(scope, receive, send)
            return
        try:
            self._check_load(request_type)  # before the body is read, because that is cheap
            check_content_type(_header(scope, b"content-type"))
            body = await self._read(request_type, scope, receive)
            if body is None:
                return  # the client disconnected
            request = request_type.parse(body)
            check_scopes(request.further_scopes(), scope.get(SCOPES_OF_KEY))
            self._check_load(request_type)  # again, because other requests arrived while the body did
        except ServingError as error:
            metrics().rejected.labels(int(error.status)).inc()
            await error.response()(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._app({**scope, VALIDATED_REQUEST: request}, receive, send)
        finally:
            self._in_flight -= 1

    def _check_load(self, request_type: type[ApiRequest]) -> None:
        """Raise OverloadedError if an answer would take too long. Stalled uploads do not count as load."""
        late = request_type.USES_SCORING_SLOT and self._limiter.estimated_wait > self._config.max_queue_wait_s
        if late or self._in_flight >= self._config.max_in_flight:
            raise OverloadedError("Too many requests at once. Try again in a second.")

    async def _read(self, request_type: type[ApiRequest], scope: Scope, receive: Receive) -> bytes | None:
        limit = request_type.MAX_BYTES
        too_large = PayloadTooLargeError(f"The body is larger than {limit} bytes. {request_type.example_hint()}")
        announced = _header(scope, b"content-length")
        if announced.isdecimal() and (len(announced) > 12 or int(announced) > limit):
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._config.body_timeout_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > limit:
                        raise too_large
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise RequestTimeoutError(
                f"The body did not arrive within {self._config.body_timeout_s:g} seconds. Send it at once."
            ) from None


def check_scopes(needed: frozenset[str], held: frozenset[str] | None) -> None:
    """Raise ForbiddenError if the API key lacks a scope; None: the service has no API keys, and every caller may."""
    missing = sorted(needed - held) if held is not None else []
    if missing:
        raise ForbiddenError(f"A field of this request needs the scope '{missing[0]}', which this API key lacks.")


def check_content_type(value: str) -> None:
    """Raise UnsupportedMediaTypeError unless the header is that of JSON.

    A missing header is wrong, too: any web page can make a browser send such a body.
    """
    media_type = value.split(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaTypeError(
            f"The content type is '{media_type[:MAX_ECHO_CHARS]}'; send 'application/json'."
        )


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
