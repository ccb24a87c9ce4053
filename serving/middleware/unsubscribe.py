"""Answer the links of messages, `/unsubscribe?token=…`: a page with one button, and the click of RFC 8058.

`POST` withdraws the consent at once, without cookies, redirects or further questions. `GET` changes nothing, because
programs that scan mail open its links. The token is the key, so no API key is needed.

Requests beyond `PER_SECOND` get 429. Links of this shop have a bucket of their own, so guessed tokens do not take away
the clicks of customers. There is none per address: mail providers send the clicks of all their customers from a few.
"""

import asyncio
import html
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from outbox.customers.unsubscribe import is_signed, redeem
from outbox.errors import OutboxError, TokenError
from outbox.store import Store
from serving.errors import RateLimitedError
from serving.metrics import metrics
from serving.middleware.rate_limit import TokenBucketLimiter

logger = logging.getLogger("reach.serving")

PATH = "/unsubscribe"
METHODS = ("GET", "HEAD", "POST")

TIMEOUT_S = 5.0

PER_SECOND = 50.0
"""Clicks, and separately page views, that one worker answers."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # The address of the page contains the token.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><h1>{title}</h1>{body}</html>"
)
_BUTTON = (
    '<p>One click, and you receive no more messages of this kind.</p><form method="post" action="?token={token}">'
    '<button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>'
)


class UnsubscribeMiddleware:
    """Answer `PATH`; pass every other request on.

    Args:
        app: The application behind this one.
        open_store: Opens the outbox's store; called once, with the first click.
        key: REACH_UNSUBSCRIBE_KEY; None if the shop sends no such links.
        limiter: Limits the requests of this worker.
    """

    def __init__(
        self, app: ASGIApp, open_store: Callable[[], Store], key: str | None, limiter: TokenBucketLimiter | None = None
    ):
        self._app = app
        self._limiter = limiter or TokenBucketLimiter(PER_SECOND)
        self._open_store = open_store
        self._key = key
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="unsubscribe")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the page or the click, or pass the request on."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        answer = self._refused(scope["method"], token)
        if answer is None:
            answer = await self._click(token) if scope["method"] == "POST" else _page(token)
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            metrics().rejected.labels(answer.status_code).inc()
        await answer(scope, receive, send)

    def _refused(self, method: str, token: str) -> HTMLResponse | None:
        """Return the answer to a request beyond the limit; None within it."""
        is_ours = self._key is not None and is_signed(token, self._key)
        try:
            self._limiter.take(f"{method} {'signed' if is_ours else 'other'}")
        except RateLimitedError as error:
            answer = _answer(error.status, "Please try again", "<p>Too many requests. Try again in a moment.</p>")
            answer.headers.update(error.headers())
            return answer
        return None

    async def _click(self, token: str) -> HTMLResponse:
        try:
            done = asyncio.get_running_loop().run_in_executor(self._thread, self._redeem, token)
            await asyncio.wait_for(done, TIMEOUT_S)
        except TokenError:
            text = "<p>This link is damaged or too old. Use the link of the newest message.</p>"
            return _answer(HTTPStatus.BAD_REQUEST, "This link does not work", text)
        except (OutboxError, TimeoutError) as error:
            logger.error("A click on an unsubscribe link was not acknowledged. %s", error or "The outbox is too slow.")
            text = "<p>Your answer could not be stored. Try again in a minute.</p>"
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "Please try again", text)
        return _answer(HTTPStatus.OK, "You are unsubscribed", "<p>You receive no more messages of this kind.</p>")

    def _redeem(self, token: str) -> None:
        if self._key is None:
            raise TokenError("REACH_UNSUBSCRIBE_KEY is not set, so no link of this shop is valid.")
        if self._store is None:
            self._store = self._open_store()
        redeem(self._store, token, self._key)


def _page(token: str) -> HTMLResponse:
    return _answer(HTTPStatus.OK, "Unsubscribe?", _BUTTON.format(token=html.escape(token)))


def _answer(status: HTTPStatus, title: str, body: str) -> HTMLResponse:
    headers = {**_HEADERS, "Retry-After": "60"} if status == HTTPStatus.SERVICE_UNAVAILABLE else _HEADERS
    return HTMLResponse(_PAGE.format(title=title, body=body), status, headers)
