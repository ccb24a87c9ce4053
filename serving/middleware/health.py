"""Answer `/readyz`: whether this worker can answer requests, with which version, and what every worker serves."""

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
    """Describe a champion that could not be loaded."""

    version: str | None
    generation: int


class ReadyResponse(BaseModel):
    """Describe this worker's readiness, and what all workers of the service serve."""

    ready: bool = Field(description="Whether this worker can answer.")
    version: str | None = Field(None, description="The version that this worker serves.")
    generation: int = Field(0, description="The generation of the champion alias that this worker serves.")
    standby_version: str | None = Field(None, description="The version in memory for a roll-back.")
    experiment_version: str | None = Field(
        None, description="The version in memory that an experiment serves next to the champion."
    )
    rejected: Rejected | None = Field(None, description="The champion that this worker could not load, if any.")
    online_store: Literal["answers", "does not answer", "not open"] = "not open"
    settings: str = Field("", description="Fingerprint of the settings with which the service was started.")
    workers: WorkersReport = Field(
        default_factory=lambda: WorkersReport(live=0, on_champion=0, lagging=0), description="All workers."
    )


class Readiness:
    """Hold this process's readiness report; until the service sets `report`, the process is not ready.

    Args:
        report: Returns the state of this worker and of all others.
        remove_dead_workers: Removes the metrics of killed workers.
    """

    def __init__(
        self,
        report: Callable[[], ReadyResponse] = lambda: ReadyResponse(ready=False),
        remove_dead_workers: Callable[[], None] = lambda: None,
    ) -> None:
        self.report = report
        self.remove_dead_workers = remove_dead_workers

    def response(self) -> Response:
        """Return the report as a response: 200 if ready, else 503."""
        report = self.report()
        status = HTTPStatus.OK if report.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(report.model_dump_json(), status, media_type="application/json")


@cache
def readiness() -> Readiness:
    """Return this process's readiness."""
    return Readiness()


class ReadinessMiddleware:
    """Answer `/readyz` with a body, which BentoML's own answer does not have.

    Before `/metrics` is answered, the metrics of killed workers are removed.
    """

    def __init__(self, app: ASGIApp, readiness: Readiness):
        self._app = app
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `/readyz`, or pass the request on."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._readiness.response()(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] == METRICS:
            self._readiness.remove_dead_workers()
        await self._app(scope, receive, send)
