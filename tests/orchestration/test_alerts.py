"""A failed task is logged and, if addresses are set, sent: asked of a receiver on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.alerts import on_failure

CONTEXT: Any = {
    "ti": SimpleNamespace(
        dag_id="build_features", task_id="admit", run_id="r1", try_number=3, log_url="http://127.0.0.1:8080/log"
    ),
    "exception": RuntimeError("the disk is full\nsecond line"),
}


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not to the tests' output."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_addresses_a_failure_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("REACH_ALERTS", raising=False)
    on_failure(CONTEXT)
    [line] = caplog.messages
    assert line.startswith("Reach: build_features failed at admit. the disk is full\nRun r1, attempt 3.")


def test_a_failure_is_sent_and_the_addresses_are_not_logged(
    receiver: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place, got = receiver
    monkeypatch.setenv(
        "REACH_ALERTS", f"json://somebody:s3cret-word@{place}/ nonsense json://x:s3cret-word@127.0.0.1:1/"
    )
    caplog.set_level("DEBUG")
    on_failure(CONTEXT)
    [message] = got
    assert message["title"] == "Reach: build_features failed at admit"
    assert "the disk is full" in message["message"]
    said = [line for line in caplog.messages if "REACH_ALERTS" in line]
    assert [line.partition(" of REACH")[0] for line in said] == [
        "The message was sent to address 1",
        "Address 2",
        "The message could not be sent to address 3",
    ]
    assert "s3cret-word" not in caplog.text
