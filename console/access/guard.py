"""Let a request pass only from the console's own pages, and only for a user who is logged in."""

from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.access.users import Users

LOGIN, STATIC, HEALTH = "/login", "/static/", "/livez"
SAFE_METHODS = frozenset({"GET", "HEAD"})
USER = "user"
"""The name of the session's entry that holds the user's name."""

SECURITY_HEADERS = {
    # Nothing from other hosts, nothing inline. A preview of an e-mail is a frame without scripts and without an origin.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class GuardMiddleware:
    """Check each request's origin and session, and add the security headers to each answer.

    Args:
        app: The application behind this one; it finds the user in `request.state.user`.
        users: The users who may log in. A user who was removed is logged out at the next request.
    """

    def __init__(self, app: ASGIApp, users: Users):
        self._app = app
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with the login page or 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._check(Request(scope))
        await (answer or self._app)(scope, receive, _with_headers(send))

    def _check(self, request: Request) -> Response | None:
        """Return the answer to a request that must not pass, else None."""
        path = request.url.path
        if request.method not in SAFE_METHODS and not is_same_origin(request):
            return PlainTextResponse("This request does not come from a page of the console.", 403)
        request.state.user = self._users.find(request.session.get(USER, ""))
        if request.state.user or path in (LOGIN, HEALTH) or path.startswith(STATIC):
            return None
        if request.method not in SAFE_METHODS or "hx-request" in request.headers:
            # htmx follows this header to the login page; a redirect would put that page into a part of the old one.
            return PlainTextResponse("You are not logged in.", 401, headers={"HX-Redirect": LOGIN})
        return RedirectResponse(f"{LOGIN}?next={quote(path)}", 303)


def is_same_origin(request: Request) -> bool:
    """Return whether a browser sent the request from a page of this host.

    Browsers send `Sec-Fetch-Site`, older ones at least `Origin`; a request with neither comes from no page of a browser
    and carries no session cookie.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            # Pages hold personal data, so no cache keeps them; only the console's own files may be kept.
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
