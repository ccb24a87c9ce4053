"""Serve the pages `/`, which describes the API, and `/ui`, which shows lists, and the endpoints that only `/ui` calls.

The files contain no data of the shop, so they need no key. The pages ask their user for one if the service needs it.
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
"""Number of suggested customers: a handful, so that the page does not list the shop's customers."""

SECURITY_HEADERS = {
    # Nothing from other hosts, nothing inline, and no frame of another site around the button that records a purchase.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class UiEndpoints:
    """Answer the requests of the page `/ui`."""

    def __init__(self, watcher: ModelWatcher, features: FeatureClient):
        self._watcher = watcher
        self._features = features

    def version(self) -> dict[str, Any]:
        """Return the serving version, its deployment and the gate's decision, or raise NoChampionError."""
        bundle, pointer = self._watcher.current, self._watcher.current_pointer
        if bundle is None or pointer is None:
            raise NoChampionError("No version serves yet. Deploy one with '.venv/bin/python -m registry deploy'.")
        return _described(bundle) | {
            "generation": pointer.generation,
            "changed_at": pointer.changed_at.isoformat(),
            "reason": pointer.reason,
        }

    async def customers(self) -> list[str]:
        """Return the ids of a few customers in the online store; none if it does not answer."""
        return await self._features.sample_customers(MAX_SUGGESTIONS)


def page(endpoints: Callable[[], UiEndpoints]) -> ASGIApp:
    """Return the application to mount at /ui."""

    async def version(_: Request) -> JSONResponse:
        try:
            return JSONResponse(endpoints().version())
        except NoChampionError as error:
            return error.response()

    async def customers(_: Request) -> JSONResponse:
        return JSONResponse({"customer_ids": await endpoints().customers()})

    files = Mount("/", StaticFiles(directory=STATIC_DIR, html=True))
    return _WithHeaders(Starlette(routes=[Route("/version", version), Route("/customers", customers), files]))


class ApiPageMiddleware:
    """Serve the page that describes the API at `/`, instead of BentoML's page.

    BentoML's page loads Google Tag Manager, and its script needs a key before its user can enter one.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, `/` as the path of the page's file."""
        if scope["type"] == "http" and scope["path"] == API_PAGE:
            scope = {**scope, "path": API_PAGE_FILE, "raw_path": API_PAGE_FILE.encode()}
        await self._app(scope, receive, send)


class _WithHeaders:
    """Add SECURITY_HEADERS to every answer."""

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
