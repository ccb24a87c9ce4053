"""What a request passes before BentoML sees it: bounded in size, time and number, explained when it is wrong.

BentoML takes bodies of any size for as long as they trickle in, and answers wrong ones with pydantic's own wording
after logging a traceback. Here they are validated once; BentoML gets the finished request.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api.validation import MAX_ECHO_CHARS, SCOPE_KEY, ApiRequest
from serving.config import ServiceConfig
from serving.errors import (
    OverloadedError,
    PayloadTooLargeError,
    RequestTimeoutError,
    ServingError,
    UnsupportedMediaTypeError,
)
from serving.metrics import metrics
from serving.middleware.admission import ConcurrencyLimiter


class RequestValidationMiddleware:
    """ASGI application around another: lets only valid bodies through. `requests`: what each path takes by `POST`."""

    def __init__(
        self, app: ASGIApp, requests: Mapping[str, type[ApiRequest]], limiter: ConcurrencyLimiter, config: ServiceConfig
    ):
        self._app = app
        self._requests = requests
        self._limiter = limiter
        self._config = config
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._requests.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if request is None:
            await self._app(scope, receive, send)
            return
        try:
            self._check_load(request)
            check_content_type(_header(scope, b"content-type"))
            body = await self._read(request, scope, receive)
            if body is None:
                return  # the caller went away
            passed = request.parse(body)
            self._check_load(request)
        except ServingError as error:
            metrics().rejected.labels(int(error.status)).inc()
            await error.response()(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._app({**scope, SCOPE_KEY: passed}, receive, send)
        finally:
            self._in_flight -= 1

    def _check_load(self, request: type[ApiRequest]) -> None:
        """Raise OverloadedError if an answer would take too long: before the body is read, for that is cheap, and
        after it, for others came meanwhile. Stalled uploads do not count."""
        late = request.USES_SCORING_SLOT and self._limiter.estimated_wait > self._config.max_queue_wait_s
        if late or self._in_flight >= self._config.max_in_flight:
            raise OverloadedError("Too many requests at once. Try again in a second.")

    async def _read(self, request: type[ApiRequest], scope: Scope, receive: Receive) -> bytes | None:
        limit = request.MAX_BYTES
        too_large = PayloadTooLargeError(f"The body is larger than {limit} bytes. {request.example_hint()}")
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


def check_content_type(value: str) -> None:
    """Raise UnsupportedMediaTypeError unless the header says JSON."""
    media_type = value.split(";")[0].strip().lower()
    if media_type != "application/json":
        # Also if there is none: a browser sends such a body for any page that asks it to.
        raise UnsupportedMediaTypeError(
            f"The content type is '{media_type[:MAX_ECHO_CHARS]}'; send 'application/json'."
        )


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
