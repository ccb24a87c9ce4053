"""Every error that the service documents, provoked, has the one shape that the OpenAPI document promises."""

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from starlette.types import Receive, Scope, Send

from serving.api.openapi import describe
from serving.errors import ErrorResponse, ScoringFailedError
from serving.middleware.api_keys import entry_for, make_key
from serving.service import service
from tests.serving.handlers.test_events import event
from tests.support.serving.running import install, serve, wait_until_ready

ALL, SHOP, SELDOM = make_key(), make_key(), make_key()
DOCUMENT = json.loads(json.dumps(describe("reach", "v1", "", service.apis.values(), needs_key=True)))
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def provoked(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[tuple[str, httpx.Response]]]:
    """Answers by status, each with the path that gave it."""
    installation = install(tmp_path_factory.mktemp("data"), "v1")
    installation.paths.events.touch()  # where the journal's folder would be
    entries = [
        entry_for(ALL, "all", ["recommend", "events", "marketing", "admin"]),
        entry_for(SHOP, "shop", ["recommend"]),
    ]
    entries.append(entry_for(SELDOM, "seldom", ["recommend"]))
    settings = {"REACH_API_KEYS": ",".join(entries), "REACH_RATE_LIMIT_PER_SECOND": "3"}
    found: dict[int, list[tuple[str, httpx.Response]]] = {}
    with serve(installation, settings=settings) as client:

        def ask(path: str, key: str | None = ALL, method: str = "POST", **more: Any) -> None:
            more.setdefault("headers", JSON)
            headers = more.pop("headers") | ({"Authorization": f"Bearer {key}"} if key else {})
            while True:
                answer = client.request(method, path, headers=headers, **more)
                if answer.status_code != 429 or key == SELDOM:
                    break  # the other keys wait for their turn: they provoke something else
            found.setdefault(answer.status_code, []).append((path, answer))

        ask("/recommend", content=b'{"customer_id": "a"}')  # nothing is deployed: 503
        installation.deploy("v1")
        wait_until_ready(client, installation)
        ask("/recommend", content=b'{"k": 0}')
        ask("/recommend", content=b"")
        ask("/recommend", key=None)
        ask("/history", key=SHOP)
        ask("/profile", key=SHOP, content=b'{"customer_id": "a"}')  # another scope: 403
        ask("/profile", content=b'{"customer_id": "a"}')  # nobody was scored: 503
        ask("/no-such-path")
        ask("/similar_items", content=b'{"product_id": "unknown"}')
        ask("/recommend", method="GET")
        ask("/events", content=json.dumps({"events": [event("e", occurred_at="2999-01-01T00:00:00Z")]}).encode())
        ask("/events", content=json.dumps({"events": [event("e")]}).encode())
        ask("/history", content=b" " * 20_000)
        ask("/recommend", headers={"Content-Type": "text/plain"}, content=b"{}")
        for _ in range(60):
            ask("/recommend", key=SELDOM, content=b"")
        found[408] = [("/recommend", _trickled(client))]
    found[504] = [("/recommend", _given_up())]
    said = ScoringFailedError("Version v1 could not answer; the service's log has it under a request_id.").response()
    found[500] = [("/recommend", httpx.Response(said.status_code, content=said.body))]
    return found


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 500, 503, 504])
def test_an_error_has_the_documented_shape(provoked: dict[int, list[tuple[str, httpx.Response]]], status: int) -> None:
    assert provoked[status]
    for path, answer in provoked[status]:
        body = answer.json()
        assert len(ErrorResponse.model_validate(body, strict=True).error) > 10
        assert set(body) <= set(DOCUMENT["components"]["schemas"]["ErrorResponse"]["properties"])
        if path in DOCUMENT["paths"]:
            assert str(status) in DOCUMENT["paths"][path]["post"]["responses"]
    if status in (429, 503):
        assert all(int(answer.headers["Retry-After"]) >= 1 for _, answer in provoked[status])


def _trickled(client: httpx.Client) -> httpx.Response:
    """The answer to a body that never ends."""
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        head = f"POST /recommend HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALL}\r\nContent-Length: 50\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\nConnection: close\r\n\r\n{{".encode())
        received = b""
        while part := connection.recv(65_536):
            received += part
    head_of_answer, _, body = received.partition(b"\r\n\r\n")
    return httpx.Response(int(head_of_answer.split()[1]), content=body)


def _given_up() -> httpx.Response:
    """Return BentoML's response to a request that takes too long."""

    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(60)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(TimeoutMiddleware(hang, 0.01))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.post("/recommend")

    return asyncio.run(ask())
