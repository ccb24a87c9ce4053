"""Inject faults into an online store, SQLite or Redis, and recover from each."""

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
from feast.infra.online_stores.redis import Timestamp  # type: ignore[attr-defined]

from benchmarks.drill.fault_report import until
from benchmarks.drill.sandbox import Sandbox
from benchmarks.serving.processes import free_port

STALE_EVENT_TIME = datetime(2001, 1, 1, tzinfo=UTC)
TIMESTAMP_FIELD_PREFIX = b"_ts:"
"""Prefix of the Redis fields in which Feast stores a view's event time."""


@dataclass(frozen=True)
class StoreFault:
    """Describe one fault.

    Attributes:
        name: Name in the report.
        inject: Starts the fault.
        recover: Ends the fault.
        marks: Fallbacks that answers may have during the fault.
    """

    name: str
    inject: Callable[[], None]
    recover: Callable[[], None]
    marks: frozenset[str]


STORE_UNAVAILABLE = frozenset({"cached_features", "features_unavailable"})
STORE_STALE = frozenset({"stale_features", "cached_features"})


class SqliteFile:
    """The SQLite store: readers follow a link to a file. Faults replace the link, as materialisation does."""

    def __init__(self, sandbox: Sandbox):
        self._link = sandbox.settings.paths.feast / "online.db"
        self._valid = self._link.resolve()
        self._other = self._valid.with_name("corrupt.db")
        self._locked: sqlite3.Connection | None = None

    def faults(self) -> list[StoreFault]:
        """Return the faults of this store."""
        return [
            StoreFault("SQLite: the file is gone", self._link.unlink, self._restore, STORE_UNAVAILABLE),
            StoreFault("SQLite: locked by another process", self._lock, self._unlock, STORE_UNAVAILABLE),
            StoreFault("SQLite: empty", lambda: self._corrupt("DELETE FROM {}"), self._restore, STORE_UNAVAILABLE),
            StoreFault("SQLite: stale", self._age, self._restore, STORE_STALE),
        ]

    def _age(self) -> None:
        self._corrupt(f"UPDATE {{}} SET event_ts = {int(STALE_EVENT_TIME.timestamp())}")

    def _corrupt(self, statement: str) -> None:
        shutil.copyfile(self._valid, self._other)
        with sqlite3.connect(self._other) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                database.execute(statement.format(f'"{table}"'))
        self._link_to(self._other)

    def _restore(self) -> None:
        self._link_to(self._valid)

    def _link_to(self, file: Path) -> None:
        fresh = self._link.with_name("fresh")
        fresh.symlink_to(file)
        os.utime(file)
        fresh.replace(self._link)

    def _lock(self) -> None:
        self._locked = sqlite3.connect(self._valid, isolation_level=None)
        self._locked.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._locked.execute("BEGIN EXCLUSIVE")

    def _unlock(self) -> None:
        if self._locked is not None:
            self._locked.rollback()
            self._locked.close()


class RedisServer:
    """Run a Redis server for the drill, which keeps its data when it is killed.

    Args:
        folder: The server's data.
        options: Appended to its command line.
    """

    def __init__(self, folder: Path, *options: str):
        self._folder = folder
        self._options = options
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._client: Any = redis.Redis(port=self._port, socket_timeout=30)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(cls, folder: Path, *options: str) -> Iterator["RedisServer"]:
        """Run a server until the block ends."""
        folder.mkdir(exist_ok=True)
        server = cls(folder, *options)
        server.start()
        try:
            yield server
        finally:
            server._kill()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        self._process = subprocess.Popen(["redis-server", *options, *self._options], stdout=subprocess.DEVNULL)
        until(self._answers)

    def faults(self, sandbox: Sandbox) -> list[StoreFault]:
        """Return the faults of this server, whose store must be materialised."""
        self._client.save()
        hang, resume = (lambda: self._signal(signal.SIGSTOP)), (lambda: self._signal(signal.SIGCONT))
        return [
            StoreFault("Redis: killed", self._kill, self.start, STORE_UNAVAILABLE),
            StoreFault("Redis: hung (SIGSTOP)", hang, resume, STORE_UNAVAILABLE),
            StoreFault("Redis: empty", self._empty, sandbox.materialize, STORE_UNAVAILABLE),
            StoreFault("Redis: stale", self._age, sandbox.materialize, STORE_STALE),
        ]

    def _empty(self) -> None:
        self._client.flushall()

    def _age(self) -> None:
        old = Timestamp(seconds=int(STALE_EVENT_TIME.timestamp())).SerializeToString()
        for key in self._client.scan_iter(_type="HASH"):
            times = [field for field in self._client.hgetall(key) if field.startswith(TIMESTAMP_FIELD_PREFIX)]
            if times:
                self._client.hset(key, mapping=dict.fromkeys(times, old))

    def _answers(self) -> bool:
        try:
            return bool(self._client.ping())
        except redis.RedisError:
            return False

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
