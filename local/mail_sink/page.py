"""Show the messages of the mail sink on loopback: a list, and one message as text and as HTML.

A message is foreign content. Its HTML is shown in a frame without scripts, forms and its own origin, whose policy loads
nothing but pictures inside the message. Links open in a new window without a referrer.
"""

from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.mail_sink.received import ReceivedMail, summary

PAGE_SIZE = 50

_COMMON = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_PAGE = {
    **_COMMON,
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}
_LINKS = "allow-popups allow-popups-to-escape-sandbox"
"""The frame of a message may open links in a new window, and nothing else."""
_FOREIGN = {
    **_COMMON,
    "Content-Security-Policy": f"sandbox {_LINKS}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'",
}
_NEW_WINDOW = '<base target="_blank">'

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=StrictUndefined
)


class MailPages:
    """The pages of one Maildir.

    Args:
        received: the messages.
    """

    def __init__(self, received: ReceivedMail) -> None:
        self._received = received

    def application(self) -> Starlette:
        """Return the application; requests with another host name than the loopback's are refused."""
        pages = [
            Route("/", self.messages),
            Route("/messages/{name}", self.message),
            Route("/messages/{name}/html", self.html_part),
            Route("/style.css", self.style),
            Route("/ready", self.ready),
        ]
        hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        return Starlette(routes=pages, middleware=[hosts])

    # The functions are not coroutines, so that Starlette reads files in a thread.

    def messages(self, request: Request) -> Response:
        """Return the list, the newest first, `PAGE_SIZE` a page."""
        text = request.query_params.get("page", "1")
        page = max(int(text), 1) if text.isdigit() and len(text) < 7 else 1
        found, count = self._received.newest((page - 1) * PAGE_SIZE, PAGE_SIZE)
        return _page("messages.html", messages=found, count=count, page=page, pages=max(1, -(-count // PAGE_SIZE)))

    def message(self, request: Request) -> Response:
        """Return one message: its headers, its text, and a frame for its HTML."""
        name = request.path_params["name"]
        message = self._received.read(name)
        if message is None:
            return _missing()
        text = message.get_body(("plain",))
        return _page(
            "message.html",
            message=summary(name, message),
            headers=[(key, str(message[key] or "")) for key in ("From", "To", "Date", "Message-ID")],
            unsubscribe=_link(str(message["List-Unsubscribe"] or "")),
            text=text.get_content() if text else "",
            has_html=message.get_body(("html",)) is not None,
            sandbox=_LINKS,
        )

    def html_part(self, request: Request) -> Response:
        """Return the HTML of a message for the frame."""
        message = self._received.read(request.path_params["name"])
        part = message.get_body(("html",)) if message else None
        if part is None:
            return _missing()
        return HTMLResponse(_NEW_WINDOW + part.get_content(), headers=_FOREIGN)

    def style(self, _request: Request) -> Response:
        """Return the style sheet of the pages."""
        css = (Path(__file__).with_name("templates") / "style.css").read_text()
        return Response(css, media_type="text/css", headers=_COMMON)

    def ready(self, _request: Request) -> Response:
        """Return 200 while the process runs."""
        return PlainTextResponse("ready", headers=_COMMON)


def _page(template: str, **values: object) -> HTMLResponse:
    return HTMLResponse(_TEMPLATES.get_template(template).render(values), headers=_PAGE)


def _missing() -> HTMLResponse:
    response = _page("missing.html")
    response.status_code = 404
    return response


def _link(header: str) -> str | None:
    """Return the address of a `List-Unsubscribe` header if it is one of the web."""
    address = header.strip().removeprefix("<").removesuffix(">")
    return address if urlsplit(address).scheme in ("http", "https") else None
