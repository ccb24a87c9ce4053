"""The pages: `/` describes the API, `/ui` shows lists; and the two answers that only `/ui` asks for.

The files hold nothing of the shop, so they need no key; the pages take one from their user if the service wants it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scoring.bundle import Bundle
from serving.customer_state.feature_client import FeatureClient
from serving.errors import NoChampionError
from serving.model.watcher import ModelWatcher

STATIC_DIR = Path(__file__).with_name("static")
API_PAGE = "/"
API_PAGE_FILE = "/ui/api.html"
UI_FILES = frozenset(
    {
        *("/ui", "/ui/", "/ui/page.js", "/ui/page.css", "/ui/icon.svg"),
        *(API_PAGE, API_PAGE_FILE, "/ui/api.js", "/ui/api.css"),
    }
)
UI_ENDPOINTS = frozenset({"/ui/version", "/ui/customers"})

MAX_SUGGESTIONS = 8
"""Customers to pick from. A handful: the page is no way to read out who buys here."""

SECURITY_HEADERS = {
    # Nothing from elsewhere, nothing inline, and no other site's frame around the button that books a purchase.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class UiEndpoints:
    """What serves and why, and some customers to begin with."""

    def __init__(self, champion: ModelWatcher, features: FeatureClient):
        self._champion = champion
        self._features = features

    def version(self) -> dict[str, Any]:
        """The serving version, how it came about, and what the gate decided. Raises NoChampionError."""
        bundle, pointer = self._champion.current, self._champion.followed
        if bundle is None or pointer is None:
            raise NoChampionError("No version serves yet. Deploy one with '.venv/bin/python -m registry deploy'.")
        return _described(bundle) | {
            "generation": pointer.generation,
            "changed_at": pointer.changed_at.isoformat(),
            "reason": pointer.reason,
        }

    async def customers(self) -> list[str]:
        """Ids of a few customers the online store knows; none if it does not answer."""
        return await self._features.sample_customers(MAX_SUGGESTIONS)


def page(answers: Callable[[], UiEndpoints]) -> ASGIApp:
    """The application to mount at /ui."""

    async def version(_: Request) -> JSONResponse:
        try:
            return JSONResponse(answers().version())
        except NoChampionError as error:
            return error.response()

    async def customers(_: Request) -> JSONResponse:
        return JSONResponse({"customer_ids": await answers().customers()})

    files = Mount("/", StaticFiles(directory=STATIC_DIR, html=True))
    return _WithHeaders(Starlette(routes=[Route("/version", version), Route("/customers", customers), files]))


class ApiPageMiddleware:
    """ASGI application around another: `/` is the page that describes the API, instead of BentoML's.

    BentoML's loads Google Tag Manager, and its script needs a key before its user can type one.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == API_PAGE:
            scope = {**scope, "path": API_PAGE_FILE, "raw_path": API_PAGE_FILE.encode()}
        await self._app(scope, receive, send)


class _WithHeaders:
    """ASGI middleware: adds SECURITY_HEADERS to every answer."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _described(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    shown = {"version", "as_of", "created_at", "run_id", "ranker", "trained_until", "metrics", "gate"}
    return manifest.model_dump(mode="json", include=shown) | {"products": len(bundle.recommender.catalogue)}
