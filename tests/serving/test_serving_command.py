"""`python -m serving`: where it listens and what it says when it cannot."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from serving.__main__ import main


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the process would have become."""
    seen: dict[str, Any] = {}

    def execve(program: str, command: list[str], environment: dict[str, str]) -> None:
        seen.update(program=program, command=command, environment=environment)

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("REACH_SERVICE_PORT", str(probe.getsockname()[1]))
    return seen


def test_it_becomes_bentoml_serve_on_loopback_inside_the_data_directory(
    executed: dict[str, Any], tmp_path: Path
) -> None:
    main([])

    command = executed["command"]
    assert command[:5] == [sys.executable, "-m", "bentoml", "serve", "serving.service:service"]
    assert command[-4:] == ["--host", "127.0.0.1", "--port", os.environ["REACH_SERVICE_PORT"]]
    assert executed["environment"]["BENTOML_HOME"] == str(tmp_path / "bentoml")
    assert executed["environment"]["BENTOML_DO_NOT_TRACK"] == "True"
    assert executed["environment"]["ORT_DISABLE_TELEMETRY"] == "1"


def test_a_bento_is_served_by_its_full_tag(executed: dict[str, Any]) -> None:
    main(["--bento", "reach:v1"])

    assert executed["command"][4] == "reach:v1"
    assert "--working-dir" not in executed["command"]


def test_a_port_that_is_taken_is_an_error_that_names_it_and_the_setting(executed: dict[str, Any]) -> None:
    with socket.socket() as other, pytest.raises(SystemExit) as exit_info:
        other.bind(("127.0.0.1", int(os.environ["REACH_SERVICE_PORT"])))
        other.listen()
        main([])

    message = str(exit_info.value)
    assert message.startswith(f"error: Port {os.environ['REACH_SERVICE_PORT']} on 127.0.0.1 cannot be used")
    assert "REACH_SERVICE_PORT" in message
    assert not executed


def test_an_unknown_setting_is_an_error(executed: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACH_SERVICE_PROT", "3000")

    with pytest.raises(SystemExit, match="error: Unknown setting REACH_SERVICE_PROT"):
        main([])
