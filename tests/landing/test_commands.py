"""The door: progress for people, one JSON object at the end, errors on stderr."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from events.factory import open_event_log
from events.records import Event
from landing.__main__ import main
from settings import load_settings
from tests.support.landing.shop import write_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    landing = write_shop(tmp_path / "in")
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REACH_LANDING", str(landing))
    return landing


def _last_line(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_admit_ends_with_day_and_rows_as_json(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["admit"]) == 0
    result = _last_line(capsys)
    assert result["as_of"] == "2017-01-03"
    assert result["rows"] == {
        "transactions": 4,
        "products": 3,
        "customers": 0,
        "promotions": 0,
        "campaigns": 0,
        "coupons": 0,
        "coupon_values": 0,
        "redemptions": 0,
        "consents": 0,
        "contacts": 0,
        "bounces": 0,
        "events": 0,
    }


def test_admit_says_when_an_earlier_admission_was_used(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["admit"])
    main(["admit", "--as-of", "2017-01-03"])
    assert "reused" in capsys.readouterr().out


def test_recent_events_are_erased_by_a_file_of_ids(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    viewed = {"event_id": "e1", "customer_id": "ann", "product_id": "p", "event_type": "view"}
    with closing(open_event_log(load_settings())) as event_log:
        event_log.append([Event.model_validate(viewed | {"occurred_at": "2018-01-01T12:00:00Z"})]).result()
        (tmp_path / "ids.txt").write_text("ann\n\nbob\n")
        assert main(["erase-events", str(tmp_path / "ids.txt")]) == 0
        assert _last_line(capsys) == {"customers": 2, "events": 1}
        assert event_log.of_customer("ann").interactions == []
    (tmp_path / "ids.txt").write_text("\n")
    assert main(["erase-events", str(tmp_path / "ids.txt")]) == 1
    assert "names no customer" in capsys.readouterr().err


def test_the_day_can_come_from_the_settings(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_AS_OF", "2017-01-02")
    assert main(["admit"]) == 0
    assert _last_line(capsys)["as_of"] == "2017-01-02"


def test_errors_go_to_stderr_and_end_with_code_1(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "products.csv").unlink()
    assert main(["admit"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: The required table 'products'")
    assert "Traceback" not in captured.err


def test_dbt_vars_are_the_points_in_time_by_the_shops_midnights(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_SNAPSHOTS", "5")
    assert main(["dbt-vars", "--as-of", "2017-11-13"]) == 0
    result = _last_line(capsys)
    assert result["as_of_instant"] == "2017-11-13 05:00:00"
    # the clocks went back on 5 November: midnight is 05:00 UTC after, 04:00 UTC before
    assert result["snapshots"] == [
        "2017-11-13 05:00:00",
        "2017-10-30 04:00:00",
        "2017-10-16 04:00:00",
        "2017-10-02 04:00:00",
        "2017-09-18 04:00:00",
    ]
    assert result["timezone"] == "America/New_York"


def test_dbt_vars_without_a_day_are_those_of_the_admitted_one(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dbt-vars"]) == 1
    assert "no admission is accepted" in capsys.readouterr().err
    main(["admit", "--as-of", "2017-01-02"])
    assert main(["dbt-vars"]) == 1
    name = _last_line(capsys)["admission"]
    assert main(["accept", "--admission", name]) == 0
    assert main(["dbt-vars"]) == 0
    assert _last_line(capsys)["as_of"] == "2017-01-02"


def test_an_admission_of_an_earlier_version_is_read_but_not_used_again(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["admit", "--as-of", "2017-01-02"])
    main(["accept"])
    file = load_settings().paths.admitted / "manifest.json"
    facts = json.loads(file.read_text())
    # As the first version wrote it: no day, no findings, modification times in place of hashes.
    for new in ("landing", "findings", "receipts_until", "events_from", "collected_at"):
        del facts[new]
    del facts["inputs"]["earliest_day"], facts["inputs"]["unread"]
    facts["inputs"] |= {
        "landing": "/landing",
        "files": {
            table: [[name, size, 1795956049999784682]] for table, [[name, size, _]] in facts["inputs"]["files"].items()
        },
    }
    file.write_text(json.dumps(facts))
    assert main(["dbt-vars"]) == 0
    assert _last_line(capsys)["as_of"] == "2017-01-02"
    assert main(["admit"]) == 0
    assert _last_line(capsys)["reused"] is False
