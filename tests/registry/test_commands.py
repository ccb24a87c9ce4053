"""`python -m registry`, as Airflow and people start it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from registry.__main__ import main
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from scoring.bundle import Bundle
from scoring.request import RecommendationRequest
from tests.support.serving.small_bundle import write_bundle


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with two versions in its store, and a port on which nothing listens."""
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("REACH_SERVICE_PORT", str(probe.getsockname()[1]))
    for version, weight in (("v1", 10.0), ("v2", 20.0)):
        ModelStore(tmp_path / "bentoml").put(write_bundle(tmp_path / "made" / version, version, weight=weight), version)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run a command and return its last line, the JSON object."""
    main([*arguments])
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


def fails(*arguments: str) -> str:
    """Run a command that must fail, and return its message."""
    with redirect_stderr(StringIO()) as printed:
        assert main([*arguments]) == 1
    return printed.getvalue().rstrip()


def test_deploy_rollback_and_status_tell_the_same_story(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "deploy", "--version=v1", "--expect=auto", "--reason=first") == {
        "version": "v1", "generation": 1, "previous": None,
    }  # fmt: skip
    assert run(capsys, "deploy", "--version=v2", "--expect=1", "--reason=better")["previous"] == "v1"
    assert run(capsys, "rollback", "--reason=worse")["version"] == "v1"
    main(["status"])
    lines = capsys.readouterr().out.splitlines()

    assert json.loads(lines[-1]) == {
        "products": {
            "recommender": {"version": "v1", "generation": 3, "previous": None, "versions": ["v1", "v2"]},
            "customers": {"version": None, "generation": 0, "previous": None, "versions": []},
        }
    }
    assert [line.split("UTC  ")[1].split(" by ")[0] for line in lines[1:4]] == [
        "deployed v1", "deployed v2", "rolled back v1",
    ]  # fmt: skip
    assert fails("rollback") == (
        "error: v1 is champion and no deployed version is left before it. "
        "To return to v2, deploy it: '.venv/bin/python -m registry deploy --version v2'."
    )


def test_a_deployment_that_comes_too_late_is_an_error(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "deploy", "--version=v1")

    assert fails("deploy", "--version=v2", "--expect=0").startswith(
        "error: Expected the champion alias at generation 0, found 1 (champion: v1)."
    )


def test_a_version_that_was_never_put_is_an_error_that_names_those_that_were(data: Path) -> None:
    assert "holds no reach-recommender:v9 (it holds: v1, v2)" in fails("deploy", "--version=v9")


def test_an_altered_bundle_is_refused_and_the_refusal_logged(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "deploy", "--version=v1")
    (ModelStore(data / "bentoml").path("v2") / "model" / "ranker.onnx").write_bytes(b"")

    assert "model/ranker.onnx of bundle v2 was altered" in fails("deploy", "--version=v2")
    refused = Registry(data / "release").history()[-1]
    assert (refused.change, refused.version) == ("rejected", "v2")
    assert run(capsys, "status")["products"]["recommender"]["version"] == "v1"


def test_a_rollback_to_a_bundle_that_was_altered_meanwhile_is_an_error(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "deploy", "--version=v1")
    run(capsys, "deploy", "--version=v2")
    (ModelStore(data / "bentoml").path("v1") / "model" / "ranker.onnx").write_bytes(b"")

    assert "of bundle v1 was altered" in fails("rollback")
    assert run(capsys, "status")["products"]["recommender"]["version"] == "v2"


def test_verify_without_a_service_says_so_and_is_content(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "deploy", "--version=v1")

    assert run(capsys, "verify", "--version=v1") == {"version": "v1", "service": "not running"}


def test_verify_of_a_version_that_is_not_champion_is_an_error_and_changes_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "deploy", "--version=v1")

    assert "v2 is not the champion (v1 is)" in fails("verify", "--version=v2")
    assert Registry(data / "release").generation() == 1


class FakeService:
    """Answers `/readyz` and `/recommend` as a service would that follows the pointer, or does not.

    behind: states of workers that do not serve the champion, in addition to one that does.
    """

    def __init__(self, data: Path, port: int):
        self.data = data
        self.behind: list[str] = []
        self.asked = 0
        self.catches_up_after = 10**9
        self.status = 200
        self.version = "v2"
        self.reversed = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                generation = Registry(fake.data / "release").generation()
                fake.asked += 1
                behind = fake.behind if fake.asked <= fake.catches_up_after else []
                each = [_worker(1, "v2", generation, "serving", generation)] + [
                    _worker(pid, "v1", generation - 1, state, generation) for pid, state in enumerate(behind, start=2)
                ]
                self._send(json.dumps({"settings": "f", "workers": {"each": each}}).encode())

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if not content or fake.status != 200:
                    self._send(b"{}", 400 if fake.status == 200 else fake.status)
                    return
                body = json.loads(content)
                bundle = Bundle.open(ModelStore(fake.data / "bentoml").path(fake.version))
                items = [
                    vars(i)
                    for i in bundle.recommender.recommend(None, RecommendationRequest(body["slate"], body["k"])).items
                ]
                answer = {"model_version": fake.version, "items": items[::-1] if fake.reversed else items}
                self._send(json.dumps(answer).encode())

            def _send(self, body: bytes, status: int = 200) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _worker(pid: int, version: str, generation: int, state: str, champion: int) -> dict[str, Any]:
    known = {"champion": "v2", "champion_generation": champion, "champion_since": None}
    return {
        "pid": pid,
        "state": state,
        "since": "2018-01-01T10:00:00Z",
        "version": version,
        "generation": generation,
    } | known


@pytest.fixture
def service(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    run(capsys, "deploy", "--version=v1")
    run(capsys, "deploy", "--version=v2")
    fake = FakeService(data, 0)
    monkeypatch.setenv("REACH_SERVICE_PORT", str(fake.server.server_address[1]))
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


def test_verify_is_content_when_the_service_answers_as_the_bundle(
    service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "verify", "--version=v2") == {"version": "v2", "service": "verified"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"behind": ["rejected"]}, "1 of 2 workers rejected v2"),
        ({"version": "v1"}, "answers with version v1"),
        ({"reversed": True}, "list for a new customer is not the bundle's"),
        ({"status": 500}, "HTTP 500"),
    ],
    ids=["rejected", "another version", "another answer", "no answer"],
)
def test_verify_rolls_back_when_the_service_does_not_answer_as_it_should(
    service: FakeService, fault: dict[str, Any], words: str
) -> None:
    for name, value in fault.items():
        setattr(service, name, value)

    message = fails("verify", "--version=v2", "--wait=1")
    assert words in message
    assert message.endswith("Rolled back to v1.")
    change = Registry(service.data / "release").history()[-1]
    assert (change.change, change.version) == ("rolled_back", "v1")
    assert words in change.reason


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            {"behind": ["loading"]},
            "1 of 2 workers did not take up v2, and nothing moved for 0.1 seconds: worker 2 serves v1 (generation 1), "
            "is loading v2 since 2018-01-01T10:00:00Z.",
        ),
        ({"behind": ["serving"]}, "worker 2 serves v1 (generation 1). None rejected it."),
        ({"status": 429}, "too busy to be verified"),
    ],
    ids=["stuck while loading", "does not look", "too busy"],
)
def test_verify_leaves_a_version_that_no_worker_refused_and_names_those_that_lag(
    service: FakeService, fault: dict[str, Any], words: str
) -> None:
    for name, value in fault.items():
        setattr(service, name, value)

    message = fails("verify", "--version=v2", "--wait=0.1")
    assert words in message
    assert message.endswith("v2 was not rolled back.")
    assert Registry(service.data / "release").history()[-1].change == "deployed"


def test_verify_waits_for_a_worker_that_still_loads(service: FakeService, capsys: pytest.CaptureFixture[str]) -> None:
    service.behind, service.catches_up_after = ["loading"], 4

    assert run(capsys, "verify", "--version=v2") == {"version": "v2", "service": "verified"}
    assert service.asked > 4


def test_a_missing_service_key_is_named_and_nothing_is_rolled_back(service: FakeService) -> None:
    service.status = 401

    assert "has API keys, and REACH_CLIENT_API_KEY is not set. Set REACH_CLIENT_API_KEY to a key" in fails(
        "verify", "--version=v2"
    )
    assert Registry(service.data / "release").history()[-1].change == "deployed"


def test_verify_unsets_a_first_version_that_fails(service: FakeService, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "rollback")
    service.behind = ["rejected"]

    assert fails("verify", "--version=v1").endswith("v1 is no longer the champion, and nothing was deployed before it.")
    assert Registry(service.data / "release").champion() is None


def test_a_build_without_a_champion_says_what_is_missing(data: Path) -> None:
    assert fails("build") == "error: There is no champion to build a Bento of. Deploy a version, or name one."
