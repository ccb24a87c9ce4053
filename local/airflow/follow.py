"""Follow a DAG run in the terminal: one line per finished task, and one for all dbt models."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.airflow.api import AirflowApi, epoch
from local.errors import RunFailedError

FINISHED = {"success", "skipped", "failed", "upstream_failed", "removed"}
STATE_LABELS = {"success": "done", "skipped": "skipped", "failed": "FAILED", "upstream_failed": "not reached"}
WORST_FIRST = ("failed", "upstream_failed", "success", "skipped")
LOG_LINES = 25


@dataclass(frozen=True)
class Line:
    """One task, or one group of tasks."""

    name: str
    state: str
    seconds: float


def follow(
    api: AirflowApi,
    dag_id: str,
    run_id: str,
    echo: Callable[[str], None],
    still_running: Callable[[], None],
    pause: float = 3.0,
) -> None:
    """Show a run until it ends.

    Args:
        api: a session with the running Airflow.
        dag_id: the DAG.
        run_id: the run.
        echo: prints one line.
        still_running: called at every poll; raises if Airflow itself has ended.
        pause: seconds between polls.

    Raises:
        RunFailedError: the run ended red; the failed tasks' last lines have been printed.
    """
    shown: set[str] = set()
    reported: set[tuple[str, int, int]] = set()
    while True:
        still_running()
        # The run's state first: all tasks are final once it is.
        state = api.run(dag_id, run_id)["state"]
        tasks = api.tasks(dag_id, run_id)
        for line in finished_lines(tasks):
            if line.name not in shown:
                shown.add(line.name)
                echo(f"  {line.name:<28} {STATE_LABELS.get(line.state, line.state):<12} {line.seconds:7.1f} s")
        for task in tasks:
            attempt = (task["task_id"], task["map_index"], task["try_number"])
            # A watcher of a dbt model only repeats what the build has logged.
            is_step = task["operator"] != "WatchOnly"
            if is_step and task["state"] in ("failed", "up_for_retry") and attempt not in reported:
                reported.add(attempt)
                _echo_log_tail(api, task, echo)
        if state == "success":
            return
        if state == "failed":
            failed = sorted({t["task_id"] for t in tasks if t["state"] == "failed" and t["operator"] != "WatchOnly"})
            raise RunFailedError(
                f"{dag_id} ended red at {', '.join(failed) or 'no task'}. Its lines are above and in "
                "Airflow's UI. When the cause is gone, clear the task there, or run the same command again."
            )
        time.sleep(pause)


def finished_lines(tasks: list[dict[str, Any]]) -> list[Line]:
    """Return one line for each task or group whose parts are all finished, in the order of their ends.

    A group (`dbt.…`, or a mapped task's several instances) is as bad as its worst part; its seconds are
    those from its first start to its last end.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        groups.setdefault(task["task_id"].partition(".")[0], []).append(task)
    lines: list[tuple[float, Line]] = []
    for name, parts in groups.items():
        if not all(part["state"] in FINISHED for part in parts):
            continue
        states = {part["state"] for part in parts}
        worst = next((state for state in WORST_FIRST if state in states), "removed")
        starts = [epoch(p["start_date"]) for p in parts if p["start_date"]]
        ends = [epoch(p["end_date"]) for p in parts if p["end_date"]]
        seconds = max(ends) - min(starts) if starts and ends else 0.0
        label = name if len(parts) == 1 else f"{name} ({len(parts)} tasks)"
        lines.append((max(ends, default=0.0), Line(label, worst, seconds)))
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


def _echo_log_tail(api: AirflowApi, task: dict[str, Any], echo: Callable[[str], None]) -> None:
    again = "failed and will be tried again" if task["state"] == "up_for_retry" else "failed"
    echo(f"  {task['task_id']} {again} (attempt {task['try_number']}). The end of its log:")
    for line in api.log_tail(task, LOG_LINES):
        echo(f"    | {line[:300]}")
