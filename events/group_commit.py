"""Commit batches in groups: one wait for the disk (or for Kafka) covers all batches that arrived in the meantime."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from events.errors import EventLogUnavailableError
from events.records import Event

Batch = Sequence[Event]
Job = tuple[Batch, Future[list[bool]]]
MAX_BATCHES = 64
"""Batches written in one commit."""


class GroupCommit:
    """Hands batches to one writing thread, which takes all that wait.

    Args:
        write: Stores several batches durably, all or none, and returns for each event whether it is new.
    """

    def __init__(self, write: Callable[[Sequence[Batch]], list[list[bool]]]):
        self._write = write
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def append(self, batch: Batch) -> Future[list[bool]]:
        """Queue a batch; the future is done when the batch is stored, or fails with what `write` raised."""
        done: Future[list[bool]] = Future()
        with self._starting:
            if self._closed:
                raise EventLogUnavailableError(
                    "The event log is closed, because the service is stopping. Send the batch again."
                )
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
                self._thread.start()
            self._waiting.put((batch, done))
        return done

    def close(self) -> None:
        """Write the batches that wait, then end the thread."""
        with self._starting:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            taken = [self._waiting.get()]
            while len(taken) < MAX_BATCHES and not self._waiting.empty():
                taken.append(self._waiting.get())
            jobs = [job for job in taken if job is not None]
            stopping = len(jobs) < len(taken)
            if jobs:
                self._commit(jobs)

    def _commit(self, jobs: list[Job]) -> None:
        # A caller that gave up waiting got no answer, but its batch is stored all the same.
        for _, done in jobs:
            done.set_running_or_notify_cancel()
        try:
            results = self._write([batch for batch, _ in jobs])
        except Exception as error:
            for _, done in jobs:
                if not done.cancelled():
                    done.set_exception(error)
            return
        for (_, done), result in zip(jobs, results, strict=True):
            if not done.cancelled():
                done.set_result(result)
