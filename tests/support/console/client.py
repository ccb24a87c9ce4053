"""A console in this process, with one user for each role and a stubbed recommendation service."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
from pydantic import SecretStr
from starlette.testclient import TestClient

from console.access.roles import ROLES
from console.access.users import entry_for
from console.app import build_app
from settings import Settings

PASSWORD = "correct horse battery"
KEY = "k" * 48
USERS = ",".join(entry_for(role, role, PASSWORD) for role in ROLES)
"""One user for each role, whose name is the role's."""

Answers = Mapping[str, Any]


def with_console(settings: Settings) -> Settings:
    """Return the settings with the users and a key."""
    return settings.model_copy(update={"console_users": SecretStr(USERS), "console_key": SecretStr(KEY)})


def stub(answers: Answers) -> httpx.MockTransport:
    """Return a service that answers each path with a body, or with a status and a body."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.get(request.url.path, (404, {"error": f"No answer for {request.url.path}."}))
        status, body = found if isinstance(found, tuple) else (200, found)
        return httpx.Response(status, json=body(request) if isinstance(body, Callable) else body)

    return httpx.MockTransport(answer)


def open_console(settings: Settings, answers: Answers | None = None) -> TestClient:
    """Return a client of the console; use it in a `with` block, and log in."""
    app = build_app(with_console(settings), stub({"/readyz": {}, **(answers or {})}))
    return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)


def log_in(client: TestClient, role: str) -> TestClient:
    """Log the user of a role in, and return the client."""
    answer = client.post("/login", data={"name": role, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client
