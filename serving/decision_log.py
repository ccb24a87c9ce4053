"""Record each answer in the decision log, without delaying answers outside experiments."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from events.errors import EventsError
from events.records import Decision
from serving.config import ServiceConfig
from serving.metrics import Metrics

logger = logging.getLogger("reach.serving")

MAX_BATCH = 500
"""Limit of the decisions written at once."""


class _Waiting(NamedTuple):
    """A decision in the queue, and what to call when it is written or lost."""

    decision: Decision
    done: Callable[[], None] | None


class DecisionLog:
    """Queue decisions on the event loop, and write them in batches on a thread.

    A decision that does not fit into the queue, or cannot be written, is counted and dropped.

    Args:
        write: Writes a batch; raises EventsError if it cannot.
        config: The queue's size and the time between writes.
        metrics: Counts written and lost decisions.
    """

    def __init__(self, write: Callable[[Sequence[Decision]], None], config: ServiceConfig, metrics: Metrics):
        self._write = write
        self._metrics = metrics
        self._flush_interval_s = config.decision_flush_interval_s
        self._commit_timeout_s = config.exposure_commit_timeout_s
        self._queue: queue.Queue[_Waiting] = queue.Queue(config.decision_queue_size)
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Write the queued decisions, for at most `seconds`."""
        self._stopping.set()
        self._due.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def add(self, decision: Decision, done: Callable[[], None] | None = None) -> bool:
        """Queue a decision, and return whether there was room; `done` is called once it was written or lost."""
        try:
            self._queue.put_nowait(_Waiting(decision, done))
        except queue.Full:
            self._metrics.decisions.labels("lost").inc()
            return False
        return True

    async def add_and_wait(self, decision: Decision) -> None:
        """Queue a decision that an experiment needs, and wait until it is stored, so that a kill cannot lose it.

        Answers that wait at the same time share one write. A log that does not answer delays an answer by at most
        `exposure_commit_timeout_s`; the decision stays in the queue.
        """
        loop, stored = asyncio.get_running_loop(), asyncio.Event()

        def done() -> None:
            with suppress(RuntimeError):  # the loop is closed, so no answer waits
                loop.call_soon_threadsafe(stored.set)

        if self.add(decision, done):
            self._due.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(stored.wait(), self._commit_timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._due.wait(self._flush_interval_s)
            self._due.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        while not self._queue.empty():
            batch: list[_Waiting] = []
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            try:
                self._write([waiting.decision for waiting in batch])
            except EventsError as error:
                self._metrics.decisions.labels("lost").inc(len(batch))
                logger.warning("%d decisions could not be written. %s", len(batch), error)
            else:
                self._metrics.decisions.labels("written").inc(len(batch))
            for waiting in batch:
                if waiting.done is not None:
                    waiting.done()
