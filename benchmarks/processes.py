"""A service as the operating system sees it: started, ready, and what all its processes have cost (Linux)."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from settings import ROOT

SECONDS_TO_START = 180
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Service:
    """A running service. ready_s: from its command to its first 200."""

    process: subprocess.Popen[bytes]
    port: int
    ready_s: float

    def cpu_seconds(self) -> float:
        """Processor time of the process and all that came of it."""
        return sum(_cpu(pid) for pid in family(self.process.pid))

    def rss_mb(self) -> float:
        """Resident memory of the largest of its processes, the worker."""
        return max(_rss(pid) for pid in family(self.process.pid)) / 2**20

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], port: int, ready_path: str, log: Path
) -> Iterator[Service]:
    """Start a service and stop it at the end. Raises RuntimeError, naming its log, if it does not get ready."""
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        while not _is_ready(port, ready_path):
            if process.poll() is not None or time.perf_counter() - started > SECONDS_TO_START:
                raise RuntimeError(f"{' '.join(command)} did not get ready: {log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield Service(process, port, time.perf_counter() - started)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            if fields:
                parents[int(folder.name)] = int(fields[1])
    found = [pid]
    for member in found:  # grows while it is walked
        found.extend(child for child, parent in parents.items() if parent == member)
    return found


def _is_ready(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name; none if the process has gone."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICK if fields else 0.0


def _rss(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if fields else 0
