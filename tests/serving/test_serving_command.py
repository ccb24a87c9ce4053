"""`python -m serving`: the address it listens on, and its errors."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from serving.__main__ import main
from serving.middleware.api_keys import ApiKeyStore, entry_for
from settings import ROOT


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Hold the command that would replace the process."""
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


def test_it_does_not_start_beyond_loopback_without_keys(executed: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match=r"error: Without API keys .* not on 0\.0\.0\.0\. Make one with"):
        main(["--host", "0.0.0.0"])

    assert not executed


def test_with_keys_it_starts_on_any_address(executed: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACH_API_KEYS", entry_for("x" * 40, "shop", ["recommend"]))
    main(["--host", "0.0.0.0"])

    assert executed["command"][-4:-2] == ["--host", "0.0.0.0"]


def test_a_made_key_and_its_entry_fit(capsys: pytest.CaptureFixture[str]) -> None:
    main(["hash-key", "shop", "recommend", "events"])

    entry, key = (line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines())
    assert ApiKeyStore.parse(entry).check(f"Bearer {key}", "events").name == "shop"


def test_a_key_of_ones_own_is_read_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y" * 40 + "\n"))
    main(["hash-key", "shop", "recommend", "--stdin"])

    assert entry_for("y" * 40, "shop", ["recommend"]) in capsys.readouterr().out


def test_making_a_key_runs_as_the_guide_prints_it_and_its_entries_can_be_sourced(tmp_path: Path) -> None:
    lines = (ROOT / "docs" / "serving.md").read_text().splitlines()
    (printed,) = [line for line in lines if line.startswith(".venv/bin/python -m serving hash-key")]
    fresh = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    entries, keys = [], []
    for name in ("web-shop", "other-shop"):
        command = printed.replace("web-shop", name)
        out = subprocess.run(["bash", "-c", command], cwd=ROOT, env=fresh, capture_output=True, text=True, check=True)
        entry, key = (line.rpartition(": ")[2] for line in out.stdout.splitlines())
        entries.append(entry)
        keys.append(key)
    (tmp_path / ".env").write_text(f"REACH_API_KEYS={','.join(entries)}\n")
    source = 'set -a; source .env; set +a; echo "$REACH_API_KEYS"'
    sourced = subprocess.run(["bash", "-c", source], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    for key in keys:
        assert ApiKeyStore.parse(sourced).check(f"Bearer {key}", "recommend")
