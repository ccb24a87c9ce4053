"""Start a service, wait until it is ready, and measure the cost of all its processes (Linux)."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from settings import ROOT

START_TIMEOUT_S = 180
TICK = os.sysconf("SC_CLK_TCK")


@cache
def http_client() -> httpx.Client:
    """Return a client for requests whose cost does not matter; each opens a connection, so any worker may answer."""
    return httpx.Client(headers={"Connection": "close"}, timeout=10.0)


@dataclass(frozen=True)
class Service:
    """Measure a running service.

    Attributes:
        process: Its first process.
        port: Port of the HTTP API.
        ready_s: Seconds from its command to its first 200.
    """

    process: subprocess.Popen[bytes]
    port: int
    ready_s: float

    def cpu_seconds(self) -> float:
        """Return the processor time of the process and its descendants."""
        return sum(_cpu(pid) for pid in family(self.process.pid))

    def rss_mb(self) -> float:
        """Return the resident memory (MiB) of its largest process, the worker."""
        return max(_rss(pid) for pid in family(self.process.pid)) / 2**20

    def get(self, path: str) -> str:
        """Return the body of a GET request; httpx.HTTPError without a 2xx."""
        return http_client().get(f"http://127.0.0.1:{self.port}{path}").raise_for_status().text


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], port: int, ready_path: str, log: Path
) -> Iterator[Service]:
    """Run a service until the block ends.

    Args:
        command: Command line of the service.
        environment: Its environment variables.
        port: Port of its HTTP API.
        ready_path: Path that answers 200 when the service is ready.
        log: File of its output.

    Raises:
        RuntimeError: The service did not get ready; the message ends with its log.
    """
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        while not _is_ready(port, ready_path):
            if process.poll() is not None or time.perf_counter() - started > START_TIMEOUT_S:
                raise RuntimeError(f"{' '.join(command)} did not get ready: {log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield Service(process, port, time.perf_counter() - started)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def family(pid: int) -> list[int]:
    """Return the ids of a process and all its descendants."""
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
        return http_client().get(f"http://127.0.0.1:{port}{path}", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat after the name; none if the process has ended."""
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
