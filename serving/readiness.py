"""What `/readyz` says: whether requests can be answered, by which version, and what was refused."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/readyz"


class Readiness:
    """Asks the service of this process; before that is made, it is not ready."""

    def __init__(self) -> None:
        self.ask: Callable[[], dict[str, Any]] = lambda: {"ready": False}

    def response(self) -> JSONResponse:
        report = self.ask()
        return JSONResponse(report, HTTPStatus.OK if report["ready"] else HTTPStatus.SERVICE_UNAVAILABLE)


@cache
def readiness() -> Readiness:
    """This process' readiness."""
    return Readiness()


class TellsReadiness:
    """ASGI application around another: answers `/readyz` with a body, which BentoML's own has not."""

    def __init__(self, app: ASGIApp, readiness: Readiness):
        self._app = app
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._readiness.response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)
