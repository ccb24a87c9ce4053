"""The only place that starts commands: one Airflow task = one command a person can run by hand.

A command prints progress for people and one JSON value as its last line, which becomes the task's XCom.
Exit 0 is done, 99 is "nothing to do" (the task is skipped, the run stays green), all else is a failure.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from orchestration.by_hand import by_hand, program
from settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
NOTHING_TO_DO = 99
USAGE_ERROR = 2
SECONDS_TO_STOP = 10.0
# Bytes: less than the smallest step's logs and results. A run as a whole is asked for its need when it is started.
LEAST_FREE = 200 * 1024**2


class Step(BaseOperator):
    """Runs `python -m <arguments>` in the project and waits for its end.

    Args:
        arguments: module and its arguments, templated one by one; those that render to '' are left out.
        program: run this program of the project's environment instead of `python -m`.
        result: whether the last line printed is a JSON value (the XCom, and what travels with the outlets).
        final_errors: the step judges data, or its seed decides what it does, so an `error:` of its own would only
            repeat itself: don't retry.
            A step that was killed or broke in another way is retried all the same.
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
        arguments = [argument for argument in self.arguments if argument]
        typed = [program(self.program)] if self.program else [program("python"), "-m"]
        self.log.info("The same by hand: %s", by_hand([*typed, *arguments]))
        python = Path(sys.executable)
        start = [python.with_name(self.program)] if self.program else [python, "-m"]
        self._require_space()
        with _OneAtATime(_lock_file(context)) as lock:
            code, said, error = self._run([*map(str, start), *arguments], lock)
        name = " ".join(arguments[:2])
        if code == NOTHING_TO_DO:
            why = next((line for line in reversed(said) if not line.startswith("{")), "see its lines above")
            raise AirflowSkipException(f"{name} had nothing to do: {why}")
        if code != 0:
            raise self._failure(name, code, error)
        if not self.result:
            return None
        value = _json_value(name, said[-1] if said else "")
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = value
        return value

    def _require_space(self) -> None:
        data = load_settings().data
        free = shutil.disk_usage(data).free if data.is_dir() else LEAST_FREE
        if free < LEAST_FREE:
            raise AirflowFailException(
                f"The disk of {data} has {free / 1024**2:.0f} MiB free, too little to begin a step. 'make status' "
                "shows what each part takes, 'make prune' frees some. Then clear this task."
            )

    def on_kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            _stop(self._process)

    def _run(self, command: list[str], lock: "_OneAtATime") -> tuple[int, list[str], str]:
        """Exit code, the last lines of stdout, the last line of stderr."""
        # A session of its own, so that the step and all it started can be stopped as a whole.
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
            lock.held_by(process.pid)
            errors = _Follower(process.stderr, self.log.info)
            errors.start()
            said = _follow(process.stdout, self.log.info)
            errors.join()
            return process.wait(), said, errors.said[-1] if errors.said else ""
        finally:
            if process.poll() is None:
                _stop(process)

    def _failure(self, name: str, code: int, error: str) -> AirflowException:
        if code < 0:
            return AirflowException(
                f"{name} was killed by {signal.Signals(-code).name}; what it had not finished is not there. "
                "If the machine ran out of memory, free some or set REACH_MAX_CUSTOMERS."
            )
        message = f"{name} ended with exit code {code}: {error or 'it printed no error; see its lines above'}"
        if code == USAGE_ERROR or (self.final_errors and error.startswith("error:")):
            return AirflowFailException(message)
        return AirflowException(message)


class _OneAtATime:
    """Holds a step's lock while any process of it lives, and stops what an earlier attempt left behind.

    Airflow runs a task at least once: after a crash of the scheduler the orphaned command may still be at
    work when the task is tried again. The command inherits the lock, so the orphan is found by the lock it
    holds, never by a process id that might belong to someone else by now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = -1

    def __enter__(self) -> "_OneAtATime":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            host, _, group = os.read(self.descriptor, 300).decode().partition(" ")
            # On another host, or in another container, that number means another process: only wait.
            if group and host == socket.gethostname():
                _signal_group(int(group), signal.SIGKILL)
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        os.ftruncate(self.descriptor, 0)
        return self

    def held_by(self, group: int) -> None:
        os.pwrite(self.descriptor, f"{socket.gethostname()} {group}".encode(), 0)

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


class _Follower(threading.Thread):
    """Hands on a stream line by line while the main thread follows another."""

    def __init__(self, stream: IO[str], log: Any) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._log = log
        self.said: list[str] = []

    def run(self) -> None:
        self.said = _follow(self._stream, self._log)


def _follow(stream: IO[str], log: Any) -> list[str]:
    """Log a stream line by line as it comes; return the last two lines that are not blank."""
    said: deque[str] = deque(maxlen=2)
    for line in stream:
        if text := line.rstrip():
            log("%s", text)
            said.append(text)
    return list(said)


def _environment() -> dict[str, str]:
    """The worker's environment without Airflow's own settings: a step needs none of its secrets."""
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
            f"{name} ended well but its last line is no JSON value: {line[:200]!r}. "
            "Every step prints its result as one JSON value at the end."
        ) from error


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask the step's whole session to end, then make it end."""
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_STOP)
    _signal_group(process.pid, signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
