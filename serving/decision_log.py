"""The decision log: what was shown, written down beside the answers and never in their way."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from events.errors import LiveError
from events.records import Decision
from serving.config import ServiceConfig
from serving.metrics import Metrics

logger = logging.getLogger("reach.serving")

MAX_BATCH = 500
"""Decisions written at once."""


class DecisionLog:
    """Takes decisions from the event loop and writes them on a thread, some at a time.

    What does not fit into the queue, or cannot be written, is counted and lost: an answer never waits.
    """

    def __init__(self, write: Callable[[Sequence[Decision]], None], config: ServiceConfig, metrics: Metrics):
        self._write = write
        self._metrics = metrics
        self._pause = config.decision_flush_interval_s
        self._waiting: queue.Queue[Decision] = queue.Queue(config.decision_queue_size)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Write what waits, for at most so long."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def add(self, decision: Decision) -> None:
        try:
            self._waiting.put_nowait(decision)
        except queue.Full:
            self._metrics.decisions.labels("lost").inc()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        while not self._waiting.empty():
            some: list[Decision] = []
            while len(some) < MAX_BATCH and not self._waiting.empty():
                some.append(self._waiting.get())
            try:
                self._write(some)
            except LiveError as error:
                self._metrics.decisions.labels("lost").inc(len(some))
                logger.warning("%d decisions could not be written down. %s", len(some), error)
            else:
                self._metrics.decisions.labels("written").inc(len(some))
