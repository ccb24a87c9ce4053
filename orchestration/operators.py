"""The operator of every task: one Airflow task runs one command that a person can run by hand.

A command prints progress for people and one JSON value as its last line, which becomes the task's XCom.
Exit code 0 means done and 99 means nothing to do (the task is skipped, the run stays green). Any other is a failure.

Airflow's `SubprocessHook` is not used: it merges stderr into stdout, so an error line cannot be separated from the JSON
value, and it passes no file descriptor, so an orphaned command could not hold the lock of `ExclusiveRun`.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from orchestration.by_hand import by_hand, program
from orchestration.exclusive_run import ExclusiveRun, signal_group
from orchestration.stream_logger import StreamLogger, log_stream
from settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
NOTHING_TO_DO = 99
USAGE_ERROR = 2
STOP_TIMEOUT_S = 10.0
# More than the logs and results of the smallest command. The need of a whole run is checked when the run starts.
MIN_FREE_BYTES = 200 * 1024**2


class CommandOperator(BaseOperator):
    """Run `python -m <arguments>` in the project and wait for its end.

    Args:
        arguments: Module and its arguments, templated one by one; those that render to '' are left out.
        program: Program of the project's environment to run instead of `python -m`.
        result: Whether the last line printed is a JSON value (the XCom, and the `extra` of the outlets' events).
        final_errors: Whether an `error:` of the command is final. Set it for a command that validates data or whose
            seed decides its result, because a retry would fail in the same way. A command that was killed or failed
            in another way is still retried.
    """

    template_fields: Sequence[str] = ("arguments",)
    ui_color = "#dbe7e4"

    def __init__(
        self,
        *,
        arguments: Sequence[str],
        program: str | None = None,
        result: bool = True,
        final_errors: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self.program = program
        self.result = result
        self.final_errors = final_errors
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> Any:
        """Run the command; return the JSON value of its last line.

        Raises:
            AirflowSkipException: The command had nothing to do (exit code 99).
            AirflowFailException: The command failed in a way that a retry would repeat.
            AirflowException: The command failed or was killed; Airflow retries the task.
        """
        arguments = [argument for argument in self.arguments if argument]
        typed = [program(self.program)] if self.program else [program("python"), "-m"]
        self.log.info("The same by hand: %s", by_hand([*typed, *arguments]))
        python = Path(sys.executable)
        start = [python.with_name(self.program)] if self.program else [python, "-m"]
        self._require_space()
        with ExclusiveRun(_lock_file(context)) as lock:
            code, last_lines, error = self._run([*map(str, start), *arguments], lock)
        name = " ".join(arguments[:2])
        if code == NOTHING_TO_DO:
            why = next((line for line in reversed(last_lines) if not line.startswith("{")), "see its lines above")
            raise AirflowSkipException(f"{name} had nothing to do: {why}")
        if code != 0:
            raise self._failure(name, code, error)
        if not self.result:
            return None
        value = _json_value(name, last_lines[-1] if last_lines else "")
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = value
        return value

    def _require_space(self) -> None:
        data = load_settings().data
        free = shutil.disk_usage(data).free if data.is_dir() else MIN_FREE_BYTES
        if free < MIN_FREE_BYTES:
            raise AirflowFailException(
                f"The disk of {data} has {free / 1024**2:.0f} MiB free, too little to start a command. 'make status' "
                "shows what each part takes, 'make prune' frees some. Then clear this task."
            )

    def on_kill(self) -> None:
        """Stop the command and everything that it started."""
        if self._process is not None and self._process.poll() is None:
            _stop(self._process)

    def _run(self, command: list[str], lock: ExclusiveRun) -> tuple[int, list[str], str]:
        """Return the exit code, the last lines of stdout and the last line of stderr."""
        # A new session, so that the command and everything that it started can be stopped together.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=[lock.descriptor],
        )
        self._process = process
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            lock.record_session(process.pid)
            errors = StreamLogger(process.stderr, self.log.info)
            errors.start()
            last_lines = log_stream(process.stdout, self.log.info)
            errors.join()
            return process.wait(), last_lines, errors.last_lines[-1] if errors.last_lines else ""
        finally:
            if process.poll() is None:
                _stop(process)

    def _failure(self, name: str, code: int, error: str) -> AirflowException:
        if code < 0:
            return AirflowException(
                f"{name} was killed by {signal.Signals(-code).name}; its unfinished results were not published. "
                "If the machine ran out of memory, free some or set REACH_MAX_CUSTOMERS."
            )
        message = f"{name} ended with exit code {code}: {error or 'it printed no error; see its lines above'}"
        if code == USAGE_ERROR or (self.final_errors and error.startswith("error:")):
            return AirflowFailException(message)
        return AirflowException(message)


def _environment() -> dict[str, str]:
    """Return the worker's environment without Airflow's settings, because a command needs none of its secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
    return {**kept, "PYTHONUNBUFFERED": "1"}


def _lock_file(context: Context) -> Path:
    task = context["ti"]
    part = "" if task.map_index is None or task.map_index < 0 else f".{task.map_index}"
    return load_settings().paths.airflow / "steps" / f"{task.dag_id}.{task.task_id}{part}.lock"


def _json_value(name: str, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise AirflowFailException(
            f"{name} ended well but its last line is not a JSON value: {line[:200]!r}. "
            "Every command prints its result as one JSON value at the end."
        ) from error


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask the command's whole session to end, and kill it after `STOP_TIMEOUT_S`."""
    signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    signal_group(process.pid, signal.SIGKILL)
