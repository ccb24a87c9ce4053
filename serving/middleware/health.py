"""What `/readyz` answers: whether requests can be answered, by which version, and what every worker serves."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Literal

from pydantic import BaseModel, Field
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.workers import WorkersReport

PATH = "/readyz"
METRICS = "/metrics"


class Rejected(BaseModel):
    """A champion that was not let in."""

    version: str | None
    generation: int


class ReadyResponse(BaseModel):
    """Whether this worker is ready, and what all workers of the service serve."""

    ready: bool = Field(description="Whether this worker can answer.")
    version: str | None = Field(None, description="The version that this worker answers with.")
    generation: int = Field(0, description="The generation of the champion alias that this worker serves.")
    standby_version: str | None = Field(None, description="The version in memory that a roll-back would go to.")
    rejected: Rejected | None = Field(None, description="The champion that this worker refused, if it did.")
    online_store: Literal["answers", "does not answer", "not open"] = "not open"
    settings: str = Field("", description="Fingerprint of the settings that the service was started with.")
    workers: WorkersReport = Field(
        default_factory=lambda: WorkersReport(live=0, on_champion=0, lagging=0), description="All workers."
    )


class Readiness:
    """Asks the service of this process; before that is made, it is not ready.

    ask: returns the state of this worker and of all others.
    forget_dead: removes what workers that were killed left in the metrics.
    """

    def __init__(self) -> None:
        self.ask: Callable[[], ReadyResponse] = lambda: ReadyResponse(ready=False)
        self.forget_dead: Callable[[], None] = lambda: None

    def response(self) -> Response:
        report = self.ask()
        status = HTTPStatus.OK if report.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(report.model_dump_json(), status, media_type="application/json")


@cache
def readiness() -> Readiness:
    """This process' readiness."""
    return Readiness()


class ReadinessMiddleware:
    """ASGI application around another: answers `/readyz` with a body, which BentoML's own has not.

    Before `/metrics` is answered, killed workers are taken out of it.
    """

    def __init__(self, app: ASGIApp, readiness: Readiness):
        self._app = app
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._readiness.response()(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] == METRICS:
            self._readiness.forget_dead()
        await self._app(scope, receive, send)
