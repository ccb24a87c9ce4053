"""The commands: a check of a shop without a model, its alarms, and an empty installation."""

import json
from pathlib import Path

import pytest

from core.duckdb_engine import connect
from monitoring.__main__ import main
from tests.monitoring.test_sales import DAYS, LAST, shop

pytestmark = pytest.mark.unit


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    monkeypatch.setenv("REACH_TIMEZONE", "UTC")
    return tmp_path


def admit(data: Path, left_out: str) -> None:
    admitted = data / "admitted"
    admitted.mkdir()
    with connect(data / "spill", "500MB") as connection:
        shop(connection, admitted, left_out)
    (admitted / "manifest.json").write_text(json.dumps({"as_of": f"{LAST:%Y-%m}-{LAST.day + 1:02}"}))


def test_a_shop_without_a_model_is_checked_and_its_alarm_fails_the_task(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    admit(data, f"store = 'market' AND day = {DAYS - 1}")
    assert main(["check"]) == 0
    result = json.loads((data / "monitoring" / "current.json").read_text())
    assert [alarm["watch"] for alarm in result["alarms"]] == ["silent_store"]
    assert result["retrain"] is False
    assert {"renamed_category", "feature_drift", "fallbacks"} <= set(result["not_watched"])
    assert main(["alarms"]) == 1
    assert "silent_store: store market: 80 on" in capsys.readouterr().err


def test_without_alarm_the_task_is_green(data: Path) -> None:
    admit(data, "false")
    assert main(["check"]) == 0
    assert main(["alarms"]) == 0


def test_an_empty_installation_is_told_what_to_run(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 1
    assert "nothing is admitted. Run 'make features' first" in capsys.readouterr().err
    assert main(["alarms"]) == 1
    assert "no check has run" in capsys.readouterr().err
