"""Each defect planted in the feedback is caught by the expectation that is named for it."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from events.event_log import LogBatch
from landing.feedback.collector import collect
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from quality.__main__ import main
from tests.support.landing.shop import ANY_DAY
from tests.support.quality.judging import broken, plant

MOMENT = datetime(2026, 3, 1, 10)


class Told:
    """A event_log of 200 clicks on two answers, one product each."""

    def read_from(self, position: str | None, limit: int) -> LogBatch:
        if position:
            return LogBatch((), (), position)
        shown = {"slate": "all", "position": 1, "product_id": "p", "model_version": "v1", "decided_at": MOMENT}
        decisions = [{**shown, "request_id": f"r{n}", "customer_id": f"c{n}"} for n in range(2)]
        done = {"product_id": "p", "event_type": "click", "occurred_at": MOMENT, "received_at": MOMENT}
        answers = [{"request_id": f"r{n % 2}", "customer_id": f"c{n % 2}", "quantity": 1.0} for n in range(200)]
        return LogBatch([{**done, **answer, "event_id": f"e{n}"} for n, answer in enumerate(answers)], decisions, "end")

    def truncate_before(self, position: str) -> int:
        return 0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    event_log: Any = Told()
    collect(tmp_path / "feedback", event_log)
    land_feedback(tmp_path / "feedback", None, ANY_DAY, Findings())
    return tmp_path


def test_sound_feedback_breaks_nothing(data: Path) -> None:
    assert broken("feedback", data) == {}


def test_no_feedback_at_all_breaks_nothing(tmp_path: Path) -> None:
    land_feedback(tmp_path / "feedback", None, ANY_DAY, Findings())
    assert broken("feedback", tmp_path) == {}


def test_answers_without_a_customer_break_nothing_if_they_are_similar_items(data: Path) -> None:
    query = "SELECT * REPLACE (NULL::VARCHAR AS customer_id, 'similar' AS slate) FROM {t}"
    plant(data / "feedback" / "landed", "decisions", query)
    assert broken("feedback", data) == {}


@pytest.mark.parametrize(
    ("table", "query", "expected"),
    [
        ("events", "SELECT * REPLACE (nullif(customer_id, 'c1') AS customer_id)", {"required_feedback_is_present"}),
        ("decisions", "SELECT * REPLACE (NULL::VARCHAR AS model_version)", {"required_feedback_is_present"}),
        ("decisions", "SELECT * REPLACE (NULL::VARCHAR AS customer_id)", {"required_feedback_is_present"}),
        ("events", "SELECT * REPLACE ('wishlist' AS event_type)", {"events_are_of_a_known_type"}),
        ("events", "SELECT * REPLACE (NULL::VARCHAR AS product_id)", {"required_feedback_is_present"}),
        (
            "events",
            "SELECT * REPLACE (6.0 AS rating, 1.0 AS rating_min, 5.0 AS rating_max)",
            {"ratings_are_on_their_scale"},
        ),
        (
            "events",
            "SELECT * REPLACE (CASE WHEN event_id = 'e9' THEN 'e8' ELSE event_id END AS event_id)",
            {"an_event_id_names_one_event"},
        ),
        (
            "events",
            "SELECT * REPLACE (event_id[:2] AS event_id)",
            {"an_event_id_names_one_event", "hardly_any_event_id_is_reused"},
        ),
        ("events", "SELECT * REPLACE (-quantity AS quantity)", {"quantities_and_prices_of_events_are_not_negative"}),
        (
            "events",
            "SELECT * REPLACE (occurred_at + INTERVAL 5 HOURS AS occurred_at)",
            {"events_arrive_after_they_occurred"},
        ),
        ("events", "SELECT * REPLACE ('made up' AS request_id)", {"events_quote_answers_that_were_given"}),
        ("decisions", "SELECT * REPLACE ('r0' AS request_id, customer_id AS slate)", {"an_answer_is_one_customers"}),
        ("decisions", "FROM {t} UNION ALL SELECT * REPLACE ('q' AS product_id)", {"a_place_shows_one_product"}),
        ("decisions", "SELECT * REPLACE (0 AS position)", {"positions_are_counted_from_1"}),
    ],
)
def test_a_defect_is_caught_by_its_expectation(data: Path, table: str, query: str, expected: set[str]) -> None:
    plant(data / "feedback" / "landed", table, f"{query} FROM {{t}}")
    found = broken("feedback", data)
    assert expected <= set(found)
    assert set(found) - expected <= {"events_quote_answers_that_were_given"}  # a lost answer orphans its events


def test_refused_feedback_is_counted(data: Path) -> None:
    quarantine = data / "feedback" / "quarantine"
    quarantine.mkdir()
    (quarantine / "events.csv").write_text("event_id,reason\ne1,a rating is not on its scale\n")
    (quarantine / "batch-00000001.jsonl").write_text("{}\n{}\n")
    assert "3" in broken("feedback", data)["no_feedback_is_refused"].details


def test_a_truncated_file_is_named(data: Path) -> None:
    file = data / "feedback" / "landed" / "events.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    assert broken("feedback", data)["feedback_files_can_be_read"].details.startswith("events.parquet")


def test_the_command_asks_for_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    assert main(["feedback"]) == 1
    assert "Run `.venv/bin/python -m landing collect` first" in capsys.readouterr().err
    land_feedback(tmp_path / "feedback", None, ANY_DAY, Findings())
    assert main(["feedback"]) == 0
    assert '"critical": []' in capsys.readouterr().out
