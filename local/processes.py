"""Processes of the local stack, each marked with its data directory.

The mark is an environment variable, which child processes inherit. So a command whose parent was killed is still
found, and no other program on the machine is mistaken for one of the stack.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from local.errors import PortTakenError

MARK = "STARTED_FOR_REACH_DATA"
# The service's supervisor renames itself, by default over its environment's memory, and the mark would be gone.
KEEP_ENVIRONMENT = {"SPT_NOENV": "1"}
SECONDS_TO_STOP = 15.0


class Programs:
    """The long-running programs of one data directory, by name."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._folder = data / "processes"

    def log(self, name: str) -> Path:
        """Return the file of the program's output."""
        return self._folder / f"{name}.log"

    def start(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Start a program that outlives this one, after stopping what a crashed one of that name left.

        Args:
            name: name of the program.
            command: its command line.
            env: its environment.
            cwd: its working directory.
            settings: variable -> value, stored with the process id for `settings_of`.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        known = self._read(name)
        if known:
            _end(lambda: [p for p in processes_of(self._data) if _session(p) == known[0]])
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env={**env, MARK: str(self._data), **KEEP_ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = psutil.Process(process.pid).create_time()
        self._file(name).write_text(json.dumps([process.pid, started, dict(settings or {})]))
        # Keys are among the settings, though only as hashes.
        self._file(name).chmod(0o600)

    def settings_of(self, name: str) -> dict[str, str] | None:
        """Return the settings that the running program was started with; None if it does not run or has none."""
        try:
            _, _, settings = json.loads(self._file(name).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return dict(settings) if self.running(name) else None

    def running(self, name: str) -> int | None:
        """Return the program's process id, or None if it does not run."""
        known = self._read(name)
        if known is None:
            return None
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(known[0])
            # The start time distinguishes a reused process id from ours.
            if process.create_time() == known[1] and process.status() != psutil.STATUS_ZOMBIE:
                return int(process.pid)
        return None

    def stop(self, name: str) -> None:
        """Stop one program and all it started in its session."""
        known = self._read(name)
        if known:
            _end(lambda: [p for p in processes_of(self._data) if _session(p) == known[0]])
            self._file(name).unlink(missing_ok=True)

    def stop_all(self) -> int:
        """Stop every process of this data directory and return their number."""
        count = _end(lambda: processes_of(self._data))
        for file in self._folder.glob("*.json"):
            file.unlink()
        return count

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _read(self, name: str) -> tuple[int, float] | None:
        try:
            pid, started, *_ = json.loads(self._file(name).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid, started


def processes_of(data: Path) -> list[psutil.Process]:
    """Return every process that was started for this data directory."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == str(data):
                found.append(process)
    return found


def memory(processes: Sequence[psutil.Process]) -> int:
    """Return the bytes held by the processes; shared pages count once (proportional set size)."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            info = process.memory_full_info()
            total += getattr(info, "pss", info.uss)
    return total


def processor_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return the processor time that the processes and the ended processes which they started have taken so far."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])  # user and system, its own and of children that it has waited for
    return total


def require_free_port(port: int, purpose: str, setting: str) -> None:
    """Check that no other program listens on a port.

    Raises:
        PortTakenError: the port is taken.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTakenError(port, purpose, setting) from error


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except OSError:
        return -1


def _end(find: Callable[[], list[psutil.Process]]) -> int:
    """Terminate the processes that `find` returns, then kill those left or started since."""
    first = find()
    _signal(first, signal.SIGTERM)
    psutil.wait_procs(first, timeout=SECONDS_TO_STOP)
    while rest := find():
        _signal(rest, signal.SIGKILL)
        psutil.wait_procs(rest, timeout=SECONDS_TO_STOP)
    return len(first)


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
