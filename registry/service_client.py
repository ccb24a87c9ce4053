"""The requests that `verify` sends to the running service, over HTTP on loopback."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import BaseModel, Field, ValidationError

from registry.errors import ServiceKeyError

TIMEOUT_S = 10.0
MAX_ERROR_CHARS = 300

MAKE_A_KEY = (
    "Set REACH_CLIENT_API_KEY to a key with the scope recommend: "
    "'.venv/bin/python -m serving hash-key reach recommend' makes one; "
    "add its entry to REACH_API_KEYS and restart the service."
)

BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class ServiceBusyError(OSError):
    """The service rejects requests at present, because it has too many."""


class Worker(BaseModel):
    """One process of the service: the version it serves, and what it does about the newest champion."""

    pid: int
    state: str
    since: str
    version: str | None
    generation: int
    champion: str | None
    champion_generation: int

    def describe(self) -> str:
        """Return the worker's state as the middle of a sentence."""
        doing = {"loading": f"is loading {self.champion}", "rejected": f"rejected {self.champion}"}
        now = f"worker {self.pid} serves {self.version or 'nothing'} (generation {self.generation})"
        return f"{now}, {doing[self.state]} since {self.since}" if self.state in doing else now


class Workers(BaseModel):
    """The workers in `/readyz`."""

    each: list[Worker]


class Readiness(BaseModel):
    """The part of `/readyz` that verification reads. `settings` is how Reach's service is recognised."""

    settings: str
    workers: Workers = Field(Workers(each=[]))


class ServiceClient:
    """A client of the service on a port of this machine."""

    def __init__(self, port: int, key: str | None = None):
        """Prepare a client without connecting.

        Args:
            port: the service's port on loopback.
            key: an API key with the scope recommend, if the service requires one.
        """
        self.url = f"http://127.0.0.1:{port}"
        self._has_key = key is not None
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def is_running(self) -> bool:
        """Return whether a Reach service listens there, ready or not; also while it starts."""
        return self.workers() is not None

    def workers(self) -> list[Worker] | None:
        """Return every live worker; [] if the service does not answer now, None if no Reach service listens."""
        try:
            # A new connection each time, because connections are spread over the workers; never by a proxy.
            answer = httpx.get(f"{self.url}/readyz", timeout=TIMEOUT_S, trust_env=False)
        except httpx.ConnectError:
            return None
        except httpx.TransportError:
            return []
        try:
            return Readiness.model_validate_json(answer.content).workers.each
        except ValidationError:
            return None

    def check_key(self, path: str) -> None:
        """Send a request without a body, which has no effect, to see whether the key is accepted.

        Raises:
            ServiceKeyError: the service requires another key than this client has.
        """
        try:
            self._check_status(self._post(path, b""))
        except httpx.TransportError:
            return  # it starts, or is busy: the probes will show

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer's JSON object.

        Raises:
            ServiceBusyError: for 429 and 503.
            ServiceKeyError: for 401 and 403.
            OSError: for another status, or if the service does not answer.
        """
        try:
            answer = self._post(path, httpx.Request("POST", self.url, json=dict(body)).content)
        except httpx.TransportError as error:
            raise OSError(f"The service does not answer: {error}") from error
        self._check_status(answer)
        if answer.status_code in BUSY:
            raise ServiceBusyError(f"HTTP {answer.status_code}")
        if answer.status_code != HTTPStatus.OK:
            raise OSError(f"HTTP {answer.status_code}: {answer.text[:MAX_ERROR_CHARS]}")
        found: dict[str, Any] = answer.json()
        return found

    def _post(self, path: str, body: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json", **self._headers}
        return httpx.post(self.url + path, content=body, headers=headers, timeout=TIMEOUT_S, trust_env=False)

    def _check_status(self, answer: httpx.Response) -> None:
        if answer.status_code not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return
        if not self._has_key:
            raise ServiceKeyError(
                f"The service at {self.url} has API keys, and REACH_CLIENT_API_KEY is not set. {MAKE_A_KEY}"
            )
        raise ServiceKeyError(
            f"The service at {self.url} rejects the key in REACH_CLIENT_API_KEY ({answer.status_code}). {MAKE_A_KEY}"
        )
