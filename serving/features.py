"""A customer's features from the online store, with a deadline: a hung store costs a fallback, no request."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from serving.breaker import Breaker
from serving.limits import Limits

logger = logging.getLogger("reach.serving")

Outcome = Literal["found", "unknown", "timeout", "error", "refused"]
"""`unknown`: the store answered and has no such customer; `refused`: the breaker did not let us ask."""


class CustomerReader(Protocol):
    """What reads one customer's row of the online store; None if there is none."""

    def read(self, customer_id: str) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True)
class Read:
    """What came of a read; `features` is None unless the outcome is `found`."""

    outcome: Outcome
    features: Mapping[str, Any] | None = None


class FeatureReads:
    """Reads on threads of their own, each with its own reader, behind a deadline and a breaker.

    The threads are daemons: one that hangs in a client library must not keep the service from stopping.
    """

    def __init__(self, open_reader: Callable[[], CustomerReader], limits: Limits):
        self._open_reader = open_reader
        self._limits = limits
        self._jobs: queue.SimpleQueue[tuple[str, Future[Mapping[str, Any] | None]]] = queue.SimpleQueue()
        self._breaker = Breaker(limits.breaker_failures, limits.breaker_seconds)
        self._tried = threading.Semaphore(0)
        self._opened = 0

    def start(self) -> None:
        """Start the threads; each opens its reader at once."""
        for number in range(self._limits.feature_threads):
            threading.Thread(target=self._work, name=f"features-{number}", daemon=True).start()

    @property
    def is_open(self) -> bool:
        """Whether every thread has opened its reader or failed to; until then reads may take long."""
        while self._tried.acquire(blocking=False):
            self._opened += 1
        return self._opened >= self._limits.feature_threads

    async def read(self, customer_id: str) -> Read:
        """The customer's features, or why there are none, within `feature_seconds`."""
        if not self._breaker.allows():
            return Read("refused")
        job: Future[Mapping[str, Any] | None] = Future()
        self._jobs.put((customer_id, job))
        try:
            features = await asyncio.wait_for(asyncio.wrap_future(job), self._limits.feature_seconds)
        except TimeoutError:
            self._failed(f"no answer within {self._limits.feature_seconds:g} s")
            return Read("timeout")
        except Exception as error:  # whatever a store's client raises, the customer gets a list
            self._failed(type(error).__name__)
            return Read("error")
        if self._breaker.is_open:
            logger.info("The online store answers again.")
        self._breaker.succeeded()
        return Read("unknown") if features is None else Read("found", features)

    def _failed(self, cause: str) -> None:
        was_open = self._breaker.is_open
        self._breaker.failed()
        if self._breaker.is_open and not was_open:
            # Not the error's own words: a client's message may quote the key that was read, a customer.
            logger.warning(
                "The online store failed %d times in a row (%s); answering without it, asking again every %g s.",
                self._limits.breaker_failures,
                cause,
                self._limits.breaker_seconds,
            )

    def _work(self) -> None:
        reader: CustomerReader | None = None
        try:
            reader = self._open_reader()
        except Exception as error:
            logger.warning("The online store cannot be opened yet: %s", error)
        self._tried.release()
        while True:
            customer_id, job = self._jobs.get()
            if not job.set_running_or_notify_cancel():
                continue  # its request has given up
            try:
                if reader is None:
                    reader = self._open_reader()
                job.set_result(reader.read(customer_id))
            except Exception as error:
                job.set_exception(error)
