"""What a request passes before BentoML sees it: bounded in size, time and number, explained when it is wrong.

BentoML takes bodies of any size for as long as they trickle in, and answers wrong ones with pydantic's own wording
after logging a traceback. Here they are validated once; BentoML gets the finished request.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api.validation import PASSED, SHOWN, ApiRequest
from serving.config import Limits
from serving.errors import BodyTooLargeError, BodyTooSlowError, NotJsonError, OverloadedError, ServingError
from serving.metrics import metrics
from serving.middleware.admission import Places


class RequestDoor:
    """ASGI application around another: lets only valid bodies through. `requests`: what each path takes by `POST`."""

    def __init__(self, app: ASGIApp, requests: Mapping[str, type[ApiRequest]], places: Places, limits: Limits):
        self._app = app
        self._requests = requests
        self._places = places
        self._limits = limits
        self._inside = 0

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
        self._inside += 1
        try:
            await self._app({**scope, PASSED: passed}, receive, send)
        finally:
            self._inside -= 1

    def _check_load(self, request: type[ApiRequest]) -> None:
        """Raise OverloadedError if an answer would take too long: before the body is read, for that is cheap, and
        after it, for others came meanwhile. Stalled uploads do not count."""
        late = request.SCORED and self._places.expected_wait > self._limits.wait_seconds
        if late or self._inside >= self._limits.requests_inside:
            raise OverloadedError("Too many requests at once. Try again in a second.")

    async def _read(self, request: type[ApiRequest], scope: Scope, receive: Receive) -> bytes | None:
        limit = request.MAX_BYTES
        too_large = BodyTooLargeError(f"The body is larger than {limit} bytes. {request.hint()}")
        announced = _header(scope, b"content-length")
        if announced.isdecimal() and (len(announced) > 12 or int(announced) > limit):
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
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
            raise BodyTooSlowError(
                f"The body did not arrive within {self._limits.body_seconds:g} seconds. Send it at once."
            ) from None


def check_content_type(value: str) -> None:
    """Raise NotJsonError unless the header says JSON."""
    media_type = value.split(";")[0].strip().lower()
    if media_type != "application/json":
        # Also if there is none: a browser sends such a body for any page that asks it to.
        raise NotJsonError(f"The content type is '{media_type[:SHOWN]}'; send 'application/json'.")


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
