"""One attempt of a task at a time, and the end of whatever an earlier attempt left running.

Airflow runs a task at least once: after a crash of the scheduler the orphaned command may still be at work when the
task is tried again. The command inherits the lock, so the orphan is found by the lock that it holds, never by a
process id that may belong to another program by now.
"""

import contextlib
import fcntl
import os
import signal
import socket
from pathlib import Path


class ExclusiveRun:
    """Hold a task's lock while any process of its command lives, and kill what an earlier attempt left behind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = -1

    def __enter__(self) -> "ExclusiveRun":
        """Take the lock; kill the session that holds it, if that session runs on this host."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            host, _, group = os.read(self.descriptor, 300).decode().partition(" ")
            # On another host, or in another container, that number means another process: only wait.
            if group and host == socket.gethostname():
                signal_group(int(group), signal.SIGKILL)
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        os.ftruncate(self.descriptor, 0)
        return self

    def record_session(self, group: int) -> None:
        """Write the host and the session of the command into the lock file, for the next attempt."""
        os.pwrite(self.descriptor, f"{socket.gethostname()} {group}".encode(), 0)

    def __exit__(self, *_: object) -> None:
        """Close this process' copy of the lock; the command's own copy keeps it until the command ends."""
        os.close(self.descriptor)


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a session that still exists."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
