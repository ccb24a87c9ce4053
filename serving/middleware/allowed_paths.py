"""Paths and methods that do not exist end here, before BentoML makes a metric of each path.

BentoML's request metrics carry the path as it came: a scanner, or a client that puts customer ids into the path,
would leave a dozen time series for every one of them, for ever.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import MethodNotAllowedError, NotFoundError, ServingError
from serving.metrics import metrics
from serving.ui.endpoints import UI_ENDPOINTS, UI_FILES

BENTOML_PATHS = ("/livez", "/readyz", "/healthz", "/metrics", "/docs.json", "/schema.json", "/")
"""Paths besides those of the APIs, to be read."""

GET_METHODS = ("GET", "HEAD")
POST_METHODS = ("POST",)


class AllowedPathsMiddleware:
    """ASGI application around another: lets only known paths in, each by its methods. `post_paths`: those of `POST`."""

    def __init__(self, app: ASGIApp, post_paths: Iterable[str]):
        self._app = app
        self._methods = dict.fromkeys([*BENTOML_PATHS, *UI_FILES, *UI_ENDPOINTS], GET_METHODS) | dict.fromkeys(
            post_paths, POST_METHODS
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(scope["path"], scope["method"])
            except ServingError as error:
                metrics().rejected.labels(int(error.status)).inc()
                await error.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, path: str, method: str) -> None:
        methods = self._methods.get(path)
        if methods is None:
            asked = ", ".join(path for path, methods in self._methods.items() if methods is POST_METHODS)
            raise NotFoundError(f"There is nothing here. Ask {asked} by POST; the page at / describes the API.")
        if method not in methods:
            raise MethodNotAllowedError(f"{path} is asked by {' or '.join(methods)}.", methods)
