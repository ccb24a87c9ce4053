"""What is done to an online store, SQLite or Redis, and how it is mended."""

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

from benchmarks.drill.sandbox import Sandbox
from benchmarks.drill.sheet import until
from benchmarks.processes import free_port

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
TIMES = b"_ts:"
"""What Feast's field of a view's event time begins with, in Redis."""


@dataclass(frozen=True)
class StoreFault:
    """name: as the sheet says it. marks: what answers may say of it."""

    name: str
    strike: Callable[[], None]
    mend: Callable[[], None]
    marks: frozenset[str]


REMEMBERED = frozenset({"cached_features", "features_unavailable"})
STALE = frozenset({"stale_features", "cached_features"})


class SqliteFile:
    """The file behind the link that readers follow. Another content comes as materialisation brings it: by the link."""

    def __init__(self, sandbox: Sandbox):
        self._link = sandbox.settings.paths.feast / "online.db"
        self._sound = self._link.resolve()
        self._other = self._sound.with_name("spoilt.db")
        self._locked: sqlite3.Connection | None = None

    def faults(self) -> list[StoreFault]:
        return [
            StoreFault("SQLite: the file is gone", self._link.unlink, self._show_sound, REMEMBERED),
            StoreFault("SQLite: locked by another process", self._lock, self._unlock, REMEMBERED),
            StoreFault("SQLite: empty", lambda: self._spoil("DELETE FROM {}"), self._show_sound, REMEMBERED),
            StoreFault("SQLite: stale", self._age, self._show_sound, STALE),
        ]

    def _age(self) -> None:
        self._spoil(f"UPDATE {{}} SET event_ts = {int(LONG_AGO.timestamp())}")

    def _spoil(self, statement: str) -> None:
        shutil.copyfile(self._sound, self._other)
        with sqlite3.connect(self._other) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                database.execute(statement.format(f'"{table}"'))
        self._show(self._other)

    def _show_sound(self) -> None:
        self._show(self._sound)

    def _show(self, file: Path) -> None:
        fresh = self._link.with_name("fresh")
        fresh.symlink_to(file)
        os.utime(file)
        fresh.replace(self._link)

    def _lock(self) -> None:
        self._locked = sqlite3.connect(self._sound, isolation_level=None)
        self._locked.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._locked.execute("BEGIN EXCLUSIVE")

    def _unlock(self) -> None:
        if self._locked is not None:
            self._locked.rollback()
            self._locked.close()


class RedisServer:
    """A Redis of the drill's own, which keeps its data over a kill. options: more of its command line."""

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
        folder.mkdir(exist_ok=True)
        server = cls(folder, *options)
        server.start()
        try:
            yield server
        finally:
            server._kill()

    def start(self) -> None:
        place = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        self._process = subprocess.Popen(["redis-server", *place, *self._options], stdout=subprocess.DEVNULL)
        until(self._answers)

    def faults(self, sandbox: Sandbox) -> list[StoreFault]:
        """The store must be filled."""
        self._client.save()
        hang, resume = (lambda: self._signal(signal.SIGSTOP)), (lambda: self._signal(signal.SIGCONT))
        return [
            StoreFault("Redis: killed", self._kill, self.start, REMEMBERED),
            StoreFault("Redis: hung (SIGSTOP)", hang, resume, REMEMBERED),
            StoreFault("Redis: empty", self._empty, sandbox.materialize, REMEMBERED),
            StoreFault("Redis: stale", self._age, sandbox.materialize, STALE),
        ]

    def _empty(self) -> None:
        self._client.flushall()

    def _age(self) -> None:
        old = Timestamp(seconds=int(LONG_AGO.timestamp())).SerializeToString()
        for key in self._client.scan_iter(_type="HASH"):
            times = [field for field in self._client.hgetall(key) if field.startswith(TIMES)]
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
