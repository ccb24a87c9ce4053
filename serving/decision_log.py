"""Record each answer in the decision log, without delaying the answer."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from events.errors import EventsError
from events.records import Decision
from serving.config import ServiceConfig
from serving.metrics import Metrics

logger = logging.getLogger("reach.serving")

MAX_BATCH = 500
"""Limit of the decisions written at once."""


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
        self._queue: queue.Queue[Decision] = queue.Queue(config.decision_queue_size)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Write the queued decisions, for at most `seconds`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def add(self, decision: Decision) -> None:
        """Queue a decision."""
        try:
            self._queue.put_nowait(decision)
        except queue.Full:
            self._metrics.decisions.labels("lost").inc()

    def _run(self) -> None:
        while not self._stopping.wait(self._flush_interval_s):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        while not self._queue.empty():
            batch: list[Decision] = []
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            try:
                self._write(batch)
            except EventsError as error:
                self._metrics.decisions.labels("lost").inc(len(batch))
                logger.warning("%d decisions could not be written. %s", len(batch), error)
            else:
                self._metrics.decisions.labels("written").inc(len(batch))
