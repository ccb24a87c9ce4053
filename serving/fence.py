"""Paths that do not exist end here, before BentoML makes a metric of each.

BentoML's request metrics carry the path as it came: a scanner, or a client that puts customer ids into the path,
would leave a dozen time series for every one of them, for ever.
"""

from typing import Any

from _bentoml_sdk import Service
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OWN = ("/livez", "/readyz", "/healthz", "/metrics", "/docs.json", "/schema.json", "/")
"""Paths of BentoML's own; its page loads further files from below `ASSETS`."""

ASSETS = "/static_content/"


class FencedService(Service[Any]):
    """A BentoML service that answers 404 itself outside its own paths and its APIs'."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        return Fence(super().to_asgi(is_main), frozenset(OWN) | {api.route for api in self.apis.values()})


class Fence:
    """ASGI application around another: lets only known paths in."""

    def __init__(self, app: ASGIApp, paths: frozenset[str]):
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._paths or scope["path"].startswith(ASSETS):
            await self._app(scope, receive, send)
            return
        message = "There is nothing here. Ask POST /recommend; the page at / describes the API."
        await JSONResponse({"error": message}, status_code=404)(scope, receive, send)
