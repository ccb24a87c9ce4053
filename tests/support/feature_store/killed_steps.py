"""Run a step in a process that kills itself with SIGKILL at a chosen moment."""

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from feast.infra.online_stores.redis import RedisOnlineStore
from feast.infra.online_stores.sqlite import SqliteOnlineStore

_FILE_STEPS = ((os, "rename"), (os, "replace"), (os, "symlink"), (os, "mkdir"), (os, "unlink"), (shutil, "rmtree"))
# Imports of the steps, and those that Feast does only when it materializes.
_PRELOADED = [
    "feature_store.online.materialize",
    "feature_store.publish",
    "feast.infra.compute_engines.local.compute",
    "feast.infra.passthrough_provider",
    "feast.infra.offline_stores.duckdb",
    "feast.infra.registry.sql",
    "tests.support.feature_store.killed_steps",
]
_STORE_STEPS = tuple((store, "online_write_batch") for store in (SqliteOnlineStore, RedisOnlineStore))


def run_and_kill_before(moment: int, step: Callable[..., Any], *arguments: Any) -> bool:
    """Kill the step before the `moment`-th change it makes to a file, folder or online store.

    Returns whether it was killed; False means that it has fewer changes and ran to its end.
    """
    return _run(_kill_before, moment, step, arguments)


def run_and_kill_while_writing(customers: int, step: Callable[..., Any], *arguments: Any) -> bool:
    """Kill the step when it has handed `customers` rows of its first view to the online store."""
    return _run(_kill_while_writing, customers, step, arguments)


def run_and_kill_before_redis_forgets(step: Callable[..., Any], *arguments: Any) -> bool:
    """Kill the step when it is about to empty Redis of a view's rows."""
    return _run(_kill_before_redis_forgets, 0, step, arguments)


def _run(body: Callable[..., None], number: int, step: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
    # Forked from a server that has imported Feast and started no thread: quick, and safe unlike a fork of pytest.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=body, args=(number, step, arguments))
    # The server starts with the first process; before Python 3.13 it does not take over the search path by itself.
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        process.start()
    process.join(timeout=300)
    assert process.exitcode in (0, -signal.SIGKILL), f"the step failed by itself: exit code {process.exitcode}"
    return process.exitcode == -signal.SIGKILL


def _kill_before(moment: int, step: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    left = moment

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return call

    for owner, name in (*_FILE_STEPS, *_STORE_STEPS):
        setattr(owner, name, counted(getattr(owner, name)))
    step(*arguments)


def _kill_before_redis_forgets(_: int, step: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    RedisOnlineStore.delete_table = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    step(*arguments)


def _kill_while_writing(customers: int, step: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    def rows_then_death(rows: list[Any]) -> Any:
        yield from rows[:customers]
        os.kill(os.getpid(), signal.SIGKILL)

    for store in (SqliteOnlineStore, RedisOnlineStore):
        real = store.online_write_batch

        def write(self: Any, config: Any, table: Any, data: list[Any], progress: Any, real: Any = real) -> None:
            if isinstance(self, RedisOnlineStore):  # it writes a batch in one pipeline: send the first rows only
                real(self, config, table, data[:customers], progress)
                os.kill(os.getpid(), signal.SIGKILL)
            real(self, config, table, rows_then_death(data), progress)

        store.online_write_batch = write
    step(*arguments)
