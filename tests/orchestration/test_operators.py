"""A task takes over a command's value, skip, failure and end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from tests.orchestration.conftest import StepRunner

# Starts a child of its own, writes both process ids, then both sleep.
SLEEPER = """
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"])
open(sys.argv[1] + ".partial", "w").write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".partial", sys.argv[1])
time.sleep(600)
"""


def test_last_line_becomes_the_value(runner: StepRunner) -> None:
    assert runner.run("print('progress'); print('{\"rows\": 3}')") == {"rows": 3}


def test_the_line_for_people_runs_as_printed_and_holds_no_secret(
    runner: StepRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REACH_SEED", "9")
    monkeypatch.setenv("REACH_CLIENT_API_KEY", "s3cret")
    source = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['REACH_SEED'], os.getcwd()]))"
    value = runner.run(source, "two words")
    line = next(line for line in runner.log if line.startswith("The same by hand: "))
    assert "s3cret" not in line
    assert "REACH_CLIENT_API_KEY" in line
    monkeypatch.delenv("REACH_SEED")
    printed = subprocess.run(
        line.removeprefix("The same by hand: "), shell=True, cwd="/", capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(printed) == value


def test_a_full_disk_stops_a_step_before_it_begins(runner: StepRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    (runner.folder.parent / "data").mkdir()
    monkeypatch.setattr("orchestration.operators.MIN_FREE_BYTES", 2**60)
    with pytest.raises(AirflowFailException, match="make prune"):
        runner.run("print('1')")


def test_value_travels_with_the_asset(runner: StepRunner) -> None:
    features = Asset("features")
    runner.run('print(\'{"as_of": "2018-01-01"}\')', outlets=[features])
    assert runner.events[features].extra == {"as_of": "2018-01-01"}


def test_arguments_that_render_to_nothing_are_left_out(runner: StepRunner) -> None:
    source = "import json, sys; print(json.dumps(sys.argv[1:]))"
    assert runner.run(source, "train", "", "--reason=two words") == ["train", "--reason=two words"]


def test_lines_reach_the_log_while_the_command_runs(runner: StepRunner, tmp_path: Path) -> None:
    # The command ends well only if its first line is logged before it ends.
    seen = tmp_path / "seen"
    runner.log.react = lambda line: seen.touch() if line == "first" else None
    source = """
import pathlib, sys, time
print("first")
for _ in range(200):
    if pathlib.Path(sys.argv[1]).exists():
        print('"seen"'); sys.exit(0)
    time.sleep(0.1)
sys.exit(1)
"""
    assert runner.run(source, str(seen)) == "seen"


def test_both_streams_are_logged_and_only_stdout_gives_the_value(runner: StepRunner) -> None:
    value = runner.run("import sys; print('1'); print('a warning at the end', file=sys.stderr)")
    assert value == 1
    assert "a warning at the end" in runner.log


def test_nothing_to_do_is_a_skip(runner: StepRunner) -> None:
    with pytest.raises(AirflowSkipException, match="the champion stays"):
        runner.run("import sys; print('the champion stays'); print('{}'); sys.exit(99)")


def test_an_error_is_tried_again_and_says_why(runner: StepRunner) -> None:
    with pytest.raises(AirflowException, match="error: the disk is full") as caught:
        runner.run("import sys; sys.exit('error: the disk is full')")
    assert not isinstance(caught.value, AirflowFailException)


def test_a_verdict_on_the_data_is_not_tried_again(runner: StepRunner) -> None:
    with pytest.raises(AirflowFailException, match="column 'price' is missing"):
        runner.run("import sys; sys.exit(\"error: column 'price' is missing\")", final_errors=True)


def test_a_judging_step_that_breaks_is_tried_again(runner: StepRunner) -> None:
    with pytest.raises(AirflowException, match="MemoryError") as caught:
        runner.run("raise MemoryError()", final_errors=True)
    assert not isinstance(caught.value, AirflowFailException)


def test_a_wrong_command_line_is_not_tried_again(runner: StepRunner) -> None:
    with pytest.raises(AirflowFailException, match="exit code 2"):
        runner.run("import argparse; argparse.ArgumentParser().parse_args()", "--unknown")


def test_a_killed_command_is_tried_again_and_names_the_signal(runner: StepRunner) -> None:
    with pytest.raises(AirflowException, match="SIGKILL") as caught:
        runner.run("import os; os.kill(os.getpid(), 9)", final_errors=True)
    assert not isinstance(caught.value, AirflowFailException)


def test_an_end_without_a_value_is_an_error(runner: StepRunner) -> None:
    with pytest.raises(AirflowFailException, match="not a JSON value: 'done'"):
        runner.run("print('done')")


def test_a_program_without_a_value_may_say_anything(runner: StepRunner) -> None:
    assert runner.run("print('done')", result=False) is None


def test_commands_do_not_see_airflows_secrets(runner: StepRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a secret")
    found = runner.run("import json, os; print(json.dumps(dict(os.environ)))")
    assert "a secret" not in found.values()
    assert "REACH_DATA" in found


def test_killing_the_task_ends_everything_the_command_started(runner: StepRunner, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    step = runner.step(SLEEPER, str(pids))

    def kill_when_started() -> None:
        _wait_for(pids)
        step.on_kill()

    killer = threading.Thread(target=kill_when_started)
    killer.start()
    with pytest.raises(AirflowException, match="SIGTERM"):
        step.execute(runner.context)
    killer.join()
    assert not [pid for pid in pids.read_text().split() if _lives(int(pid))]


def test_what_a_crashed_attempt_left_is_stopped_before_the_next(runner: StepRunner, tmp_path: Path) -> None:
    # A first attempt in another process, which is killed without a chance to clean up.
    pids = tmp_path / "pids"
    runner.step(SLEEPER, str(pids))
    attempt = f"""
from types import SimpleNamespace as Names
from orchestration.operators import CommandOperator
step = CommandOperator(task_id="stand_in", arguments=["standin_command", {str(pids)!r}])
step.execute({{"ti": Names(dag_id="a_dag", task_id="stand_in", map_index=-1), "outlet_events": {{}}}})
"""
    environment = {**os.environ, "PYTHONPATH": f"{runner.folder}:{Path.cwd()}"}
    first = subprocess.Popen([sys.executable, "-c", attempt], env=environment)
    _wait_for(pids)
    first.send_signal(signal.SIGKILL)
    first.wait()
    orphans = [int(pid) for pid in pids.read_text().split()]
    assert all(_lives(pid) for pid in orphans)

    assert runner.run("print('\"second\"')") == "second"
    assert not [pid for pid in orphans if _lives(pid)]


def _wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    """Whether the process runs; one that has just been killed gets a moment to be gone."""
    try:
        process = psutil.Process(pid)
        process.wait(timeout=0.5)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        return process.status() != psutil.STATUS_ZOMBIE
    return False
