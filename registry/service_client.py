"""What `verify` asks of the running service, over HTTP on loopback."""

import json
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from registry.errors import ServiceKeyError

SECONDS = 10.0
NOBODY = "reach-verify: no such customer"
"""Asked for, this id gets the list for unknown customers; verification must not look at a real one's data."""

MAKE_A_KEY = (
    "Set REACH_SERVICE_KEY to a key with the scope recommend: "
    "'.venv/bin/python -m serving hash-key reach recommend' makes one; "
    "add its entry to REACH_API_KEYS and restart the service."
)


BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class ServiceBusyError(OSError):
    """The service turns requests away just now."""


class Worker(BaseModel):
    """One process of the service: which version it answers with, and what it does about the newest champion."""

    pid: int
    state: str
    since: str
    version: str | None
    generation: int
    champion: str | None
    champion_generation: int

    def story(self) -> str:
        doing = {"loading": f"is loading {self.champion}", "refused": f"refused {self.champion}"}
        now = f"worker {self.pid} serves {self.version or 'nothing'} (generation {self.generation})"
        return f"{now}, {doing[self.state]} since {self.since}" if self.state in doing else now


class Workers(BaseModel):
    each: list[Worker]


class Readiness(BaseModel):
    """The part of `/readyz` that verification reads. `settings` is there to recognise Reach's service by."""

    settings: str
    workers: Workers = Field(Workers(each=[]))


class ServiceClient:
    """The service on a port of this machine. `key`: an API key with the scope recommend, if it wants one."""

    def __init__(self, port: int, key: str | None = None):
        self.url = f"http://127.0.0.1:{port}"
        self._has_key = key is not None
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def is_running(self) -> bool:
        """Whether a Reach service answers there, ready or not; also one that starts, whose port is open already."""
        return self.workers() is not None

    def workers(self) -> list[Worker] | None:
        """Every live worker of the service; none if it does not answer just now. None if no Reach service listens."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=SECONDS) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:  # 503: it runs and is not ready
            body = error.read()
        except OSError as error:
            refused = isinstance(getattr(error, "reason", error), ConnectionRefusedError)
            return None if refused else []
        try:
            return Readiness.model_validate_json(body).workers.each
        except ValidationError:
            return None

    def check_key(self) -> None:
        """Raise ServiceKeyError if the service wants another key than this client has. Asks for no list."""
        try:
            self._post("/recommend", b"")
        except urllib.error.HTTPError as error:
            self._explain(error)
        except OSError:
            return  # it starts, or is busy: asking for lists will show

    def recommend(self, slate: str, k: int) -> dict[str, Any]:
        """The answer for a customer nobody knows.

        Raises ServiceBusyError for 429 and 503, OSError if the service does not answer with 200 for another reason.
        """
        body = json.dumps({"customer_id": NOBODY, "slate": slate, "k": k}).encode()
        try:
            found: dict[str, Any] = json.loads(self._post("/recommend", body))
            return found
        except urllib.error.HTTPError as error:
            self._explain(error)
            if error.code in BUSY:
                raise ServiceBusyError(f"HTTP {error.code}") from error
            raise OSError(f"HTTP {error.code}: {error.read(300).decode(errors='replace')}") from error

    def _post(self, path: str, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", **self._headers}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=SECONDS) as answer:
            content: bytes = answer.read()
            return content

    def _explain(self, error: urllib.error.HTTPError) -> None:
        if error.code not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return
        if not self._has_key:
            raise ServiceKeyError(
                f"The service at {self.url} has API keys, and REACH_SERVICE_KEY is not set. {MAKE_A_KEY}"
            )
        raise ServiceKeyError(
            f"The service at {self.url} does not take the key in REACH_SERVICE_KEY ({error.code}). {MAKE_A_KEY}"
        )
