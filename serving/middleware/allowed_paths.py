"""Reject unknown paths and methods before BentoML counts them.

BentoML labels its request metrics with the path as it was sent. A scanner, or a client that puts customer ids into the
path, would leave about twelve time series for each path in memory until the process ends.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import MethodNotAllowedError, NotFoundError, ServingError
from serving.metrics import metrics
from serving.middleware import unsubscribe
from serving.ui.endpoints import UI_ENDPOINTS, UI_FILES

BENTOML_PATHS = ("/livez", "/readyz", "/healthz", "/metrics", "/docs.json", "/schema.json", "/")
"""Paths with `GET` besides those of the pages."""

GET_METHODS: tuple[str, ...] = ("GET", "HEAD")
POST_METHODS: tuple[str, ...] = ("POST",)


class AllowedPathsMiddleware:
    """Let only known paths pass, each with its methods.

    Args:
        app: The application behind this one.
        post_paths: The paths with `POST`.
    """

    def __init__(self, app: ASGIApp, post_paths: Iterable[str]):
        self._app = app
        self._methods = dict.fromkeys([*BENTOML_PATHS, *UI_FILES, *UI_ENDPOINTS], GET_METHODS)
        self._methods |= dict.fromkeys(post_paths, POST_METHODS)
        self._methods[unsubscribe.PATH] = unsubscribe.METHODS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 404 or 405."""
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
            post_paths = ", ".join(path for path, methods in self._methods.items() if methods is POST_METHODS)
            raise NotFoundError(f"Unknown path. Use POST {post_paths}; the page at / describes the API.")
        if method not in methods:
            raise MethodNotAllowedError(f"{path} accepts {' or '.join(methods)} only.", methods)
