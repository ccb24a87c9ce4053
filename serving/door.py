"""What a request passes before BentoML sees it: bounded in size, time and number, explained when it is wrong.

BentoML validates against the same type, but it takes bodies of any size for as long as they trickle in, and
answers with pydantic's own wording after logging a traceback.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import (
    BadRequestError,
    BodyTooLargeError,
    BodyTooSlowError,
    NotJsonError,
    OverloadedError,
    ServingError,
)
from serving.limits import Limits
from serving.metrics import metrics
from serving.schemas import ALLOWED, EXAMPLE, RecommendRequest

SHOWN = 40
"""Characters of a wrong value that an error message repeats to the caller."""


class RequestDoor:
    """ASGI middleware that lets only valid bodies through to `path`."""

    def __init__(self, app: ASGIApp, path: str, limits: Limits):
        self._app = app
        self._path = path
        self._limits = limits
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        try:
            check_content_type(_header(scope, b"content-type"))
            body = await self._read(scope, receive)
            if body is None:
                return  # the caller went away
            check_body(body)
            # Counted here and not by BentoML, whose count a stalled upload would be part of.
            if self._inside >= self._limits.requests_inside:
                raise OverloadedError("Too many requests at once. Try again in a second.")
        except ServingError as error:
            metrics().rejected.labels(int(error.status)).inc()
            await error.response()(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, _replay(body, receive), send)
        finally:
            self._inside -= 1

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        limit = self._limits.body_bytes
        too_large = BodyTooLargeError(f"The body is larger than {limit} bytes. Send an object such as {_example()}.")
        if int(_header(scope, b"content-length") or 0) > limit:
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
    """Raise NotJsonError unless the header is absent or says JSON."""
    media_type = value.split(";")[0].strip().lower()
    if media_type not in ("", "application/json"):
        raise NotJsonError(f"The content type is '{media_type[:SHOWN]}'; send 'application/json'.")


def check_body(body: bytes) -> None:
    """Raise BadRequestError, in words that help the caller, unless the body is a valid request."""
    if not body.strip():
        raise BadRequestError(f"The body is empty. Send an object such as {_example()}.")
    try:
        RecommendRequest.model_validate_json(body)
    except ValidationError as error:
        raise explain(error.errors(include_url=False)) from None


def explain(errors: list[ErrorDetails]) -> BadRequestError:
    """Pydantic's findings as sentences: which field, what was sent, what is allowed."""
    fields: dict[str, str] = {}
    for error in errors:
        if error["type"] == "json_invalid":
            cause = error.get("ctx", {}).get("error", "it cannot be parsed")
            return BadRequestError(f"The body is not valid JSON: {cause}. Send an object such as {_example()}.")
        if not error["loc"]:
            return BadRequestError(f"The body is no JSON object. Send an object such as {_example()}.")
        field = str(error["loc"][0])[:SHOWN]
        fields[field] = _sentence(field, error)
    return BadRequestError(" ".join(fields.values()), fields)


def _sentence(field: str, error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return f"'{field}' is not a field of this request; the fields are {', '.join(ALLOWED)}."
    if error["type"] == "missing":
        return f"'{field}' is missing: {ALLOWED[field]}."
    shown = json.dumps(error["input"], default=str, ensure_ascii=False)
    if len(shown) > SHOWN:
        shown = f"{shown[:SHOWN]}… ({len(shown)} characters)"
    return f"'{field}' is {shown}; allowed: {ALLOWED[field]}."


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once and then listens to the connection again."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _example() -> str:
    return json.dumps(EXAMPLE)
