"""A run in the terminal: each task once, groups together, failures with their reason."""

from typing import Any

import pytest

from local.airflow.follow import finished_lines, follow
from local.errors import RunFailedError
from tests.support.local.scripted_airflow import ScriptedAirflow


def task(name: str, state: str | None, start: int = 0, end: int = 0, **more: Any) -> dict[str, Any]:
    finished = state in ("success", "failed", "skipped")
    return {
        "task_id": name,
        "state": state,
        "start_date": f"2026-01-01T00:00:{start:02d}+00:00" if finished else None,
        "end_date": f"2026-01-01T00:00:{end:02d}+00:00" if finished else None,
        "map_index": -1,
        "try_number": 1,
        "operator": "CommandOperator",
        **more,
    }


def show(airflow: ScriptedAirflow) -> list[str]:
    airflow.add("build_features", "run", "running")
    printed_lines: list[str] = []
    follow(airflow.api, "build_features", "run", printed_lines.append, airflow.require_running, pause=0)
    return printed_lines


def test_a_group_is_one_line_once_all_its_tasks_are_finished() -> None:
    half = [task("dbt.a_run", "success", 2, 5), task("dbt.b_run", "running")]
    assert finished_lines(half) == []
    # From the first start (2) to the last end (9): 7 seconds.
    whole = [task("dbt.a_run", "success", 2, 5), task("dbt.b_run", "success", 4, 9)]
    [line] = finished_lines(whole)
    assert (line.name, line.state, line.seconds) == ("dbt (2 tasks)", "success", 7.0)


def test_a_group_is_as_bad_as_its_worst_task() -> None:
    [line] = finished_lines([task("dbt.a_run", "success", 1, 2), task("dbt.b_run", "failed", 1, 3)])
    assert line.state == "failed"


def test_lines_come_in_the_order_the_tasks_ended() -> None:
    lines = finished_lines([task("late", "success", 1, 9), task("early", "success", 3, 4)])
    assert [line.name for line in lines] == ["early", "late"]


def test_each_task_is_shown_once() -> None:
    airflow = ScriptedAirflow()
    first, second = task("admit", "success", 0, 3), task("publish", "success", 4, 5)
    airflow.task_lists = [[first, task("publish", None)], [first, second], [first, second]]
    printed_lines = show(airflow)
    assert [line.split()[0] for line in printed_lines] == ["admit", "publish"]


def test_a_skipped_task_is_shown_as_such() -> None:
    airflow = ScriptedAirflow()
    airflow.task_lists = [[task("publish", "skipped", 1, 2)]]
    assert "skipped" in show(airflow)[0]


def test_a_red_run_shows_the_reason_and_names_the_task() -> None:
    airflow = ScriptedAirflow()
    airflow.end = "failed"
    airflow.task_lists = [[task("admit", "failed", 1, 2), task("publish", "upstream_failed")]]
    airflow.add("build_features", "run", "running")
    printed_lines: list[str] = []
    with pytest.raises(RunFailedError, match="ended red at admit"):
        follow(airflow.api, "build_features", "run", printed_lines.append, airflow.require_running, pause=0)
    assert any("the reason" in line for line in printed_lines)
    assert any("not reached" in line for line in printed_lines)


def test_a_second_try_is_announced_with_its_reason_once() -> None:
    airflow = ScriptedAirflow()
    waiting = task("admit", "up_for_retry")
    airflow.task_lists = [[waiting], [waiting], [task("admit", "success", 1, 2, try_number=2)]]
    printed_lines = show(airflow)
    assert sum("will be tried again" in line for line in printed_lines) == 1


def test_watchers_of_a_failed_build_do_not_repeat_it() -> None:
    airflow = ScriptedAirflow()
    airflow.end = "failed"
    airflow.task_lists = [
        [task("dbt.producer", "failed", 1, 2), task("dbt.a_run", "failed", 1, 2, operator="WatchOnly")]
    ]
    airflow.add("build_features", "run", "running")
    printed_lines: list[str] = []
    with pytest.raises(RunFailedError, match=r"ended red at dbt\.producer\."):
        follow(airflow.api, "build_features", "run", printed_lines.append, airflow.require_running, pause=0)
    assert sum("The end of its log" in line for line in printed_lines) == 1
