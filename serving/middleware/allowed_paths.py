"""Paths and methods that do not exist end here, before BentoML makes a metric of each path.

BentoML's request metrics carry the path as it came: a scanner, or a client that puts customer ids into the path,
would leave a dozen time series for every one of them, for ever.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import MethodError, PathError, ServingError
from serving.metrics import metrics
from serving.ui.endpoints import ANSWERS, FILES

OWN = ("/livez", "/readyz", "/healthz", "/metrics", "/docs.json", "/schema.json", "/")
"""Paths besides those of the APIs, to be read."""

READ = ("GET", "HEAD")
ASK = ("POST",)


class Fence:
    """ASGI application around another: lets only known paths in, each by its methods. `asked`: those of `POST`."""

    def __init__(self, app: ASGIApp, asked: Iterable[str]):
        self._app = app
        self._methods = dict.fromkeys([*OWN, *FILES, *ANSWERS], READ) | dict.fromkeys(asked, ASK)

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
            asked = ", ".join(path for path, methods in self._methods.items() if methods is ASK)
            raise PathError(f"There is nothing here. Ask {asked} by POST; the page at / describes the API.")
        if method not in methods:
            raise MethodError(f"{path} is asked by {' or '.join(methods)}.", methods)
