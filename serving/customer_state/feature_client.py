"""Read a customer's features and recent purchases with a deadline, so a hanging store costs only a fallback."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from events.errors import EventsError
from events.records import CustomerEvents, Interaction, Purchase
from serving.config import ServiceConfig
from serving.customer_state.circuit_breaker import CircuitBreaker

logger = logging.getLogger("reach.serving")

Outcome = Literal["found", "unknown", "timeout", "error", "circuit_open"]
"""Outcome of a read. `unknown`: the store answered and does not contain the customer. `circuit_open`: the circuit
breaker stopped the read."""

PurchaseReadStatus = Literal["read", "error", "unread"]
"""Outcome of the read of recent events. `unread`: it was not tried, or did not end in time."""

Features = Mapping[str, Any]


class CustomerReader(Protocol):
    """Read rows of the online store. Several threads use it at once."""

    def read(self, customer_id: str) -> Features | None:
        """Return a customer's row, or None if there is none."""
        ...

    def sample_ids(self, count: int) -> list[str]:
        """Return the ids of a few customers in the store."""
        ...


class RecentEvents(Protocol):
    """Read recent events. Several threads use it at once."""

    def of_customer(self, customer_id: str) -> CustomerEvents:
        """Return a customer's recent events, or raise EventsError."""
        ...


class NoEvents:
    """Stand for the event log where only the online store is read."""

    def of_customer(self, customer_id: str) -> CustomerEvents:
        """Return no events."""
        return CustomerEvents()


@dataclass(frozen=True)
class FeatureResult:
    """Hold the result of a read; there may be events without features.

    Args:
        outcome: The outcome of the read of features.
        features: None unless the outcome is `found` or `from_cache` is true.
        purchase_status: The outcome of the read of recent events.
        purchases: The customer's recent purchases.
        interactions: The customer's other recent events.
        from_cache: Whether the features are cached ones (StaleFeatureCache).
    """

    outcome: Outcome
    features: Features | None = None
    purchase_status: PurchaseReadStatus = "unread"
    purchases: Sequence[Purchase] = ()
    interactions: Sequence[Interaction] = ()
    from_cache: bool = False


@dataclass
class ReadRequest:
    """Hand one read to a thread. Events are read first, so they are there if the features then fail."""

    customer_id: str
    features: Future[Features | None] = field(default_factory=Future)
    purchase_status: PurchaseReadStatus = "unread"
    events: CustomerEvents = field(default_factory=CustomerEvents)


class FeatureClient:
    """Read features on dedicated threads, behind a deadline and a circuit breaker.

    The threads are daemons, because one that hangs in a client library must not keep the service from stopping.

    Args:
        open_reader: Opens the online store.
        recent: Reads recent events.
        config: Timeouts and limits.
    """

    def __init__(self, open_reader: Callable[[], CustomerReader], recent: RecentEvents, config: ServiceConfig):
        self._open_reader = open_reader
        self._recent = recent
        self._config = config
        self._reader: CustomerReader | None = None
        self._attempted = threading.Event()
        self._stopped = threading.Event()
        self._requests: queue.SimpleQueue[ReadRequest] = queue.SimpleQueue()
        self._breaker = CircuitBreaker(config.circuit_failures, config.circuit_reset_s)

    def start(self) -> None:
        """Open the store on a thread, which tries again until it succeeds."""
        threading.Thread(target=self._open, name="features-open", daemon=True).start()

    def stop(self) -> None:
        """Stop trying to open the store."""
        self._stopped.set()

    @property
    def startup_attempted(self) -> bool:
        """Return whether the store is open or an attempt to open it failed."""
        return self._attempted.is_set()

    def wait(self, seconds: float) -> None:
        """Wait until `startup_attempted`, for at most `seconds`."""
        self._attempted.wait(seconds)

    @property
    def state(self) -> Literal["answers", "does not answer", "not open"]:
        """Return the store's state after the reads so far."""
        if self._reader is None:
            return "not open"
        return "does not answer" if self._breaker.is_open else "answers"

    async def read(self, customer_id: str) -> FeatureResult:
        """Return the customer's features and recent events within `feature_timeout_s`, or why there are none."""
        if self._reader is None:
            return FeatureResult("error")
        if not self._breaker.allows():
            return FeatureResult("circuit_open")
        request = ReadRequest(customer_id)
        self._requests.put(request)
        features: Features | None = None
        try:
            features = await asyncio.wait_for(asyncio.wrap_future(request.features), self._config.feature_timeout_s)
        except TimeoutError:
            outcome: Outcome = "timeout"
            self._failed(f"no answer within {self._config.feature_timeout_s:g} s")
        except Exception as error:  # a client library may raise anything; the customer still gets a list
            outcome = "error"
            self._failed(type(error).__name__)
        else:
            outcome = "unknown" if features is None else "found"
            if self._breaker.is_open:
                logger.info("The online store answers again.")
            self._breaker.succeeded()
        return FeatureResult(outcome, features, request.purchase_status, *request.events)

    async def sample_customers(self, count: int) -> list[str]:
        """Return the ids of a few customers in the store; none if it does not answer in time."""
        if self._reader is None or self._breaker.is_open:
            return []
        sample: Future[list[str]] = Future()
        # A thread of its own, so reads for requests do not wait for it.
        threading.Thread(
            target=_sample, args=(self._reader, count, sample), name="features-sample", daemon=True
        ).start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(sample), self._config.feature_timeout_s)
        except Exception as error:  # suggestions are a convenience
            logger.info("No customers can be suggested (%s).", type(error).__name__)
            return []

    def _failed(self, cause: str) -> None:
        was_open = self._breaker.is_open
        self._breaker.failed()
        if self._breaker.is_open and not was_open:
            # The error's message is not logged: it may contain the key that was read, which is a customer's id.
            logger.warning(
                "The online store failed %d times in a row (%s); answering without it, trying again every %g s.",
                self._config.circuit_failures,
                cause,
                self._config.circuit_reset_s,
            )

    def _open(self) -> None:
        while not self._stopped.is_set():
            try:
                reader = self._open_reader()
                break
            except Exception as error:  # no customer is involved, so the error's message may be logged
                if not self._attempted.is_set():
                    logger.warning("The online store cannot be opened; answering without it. %s", error)
                self._attempted.set()
                self._stopped.wait(self._config.circuit_reset_s)
        else:
            return
        warm = [threading.Event() for _ in range(self._config.feature_threads)]
        for number, event in enumerate(warm):
            threading.Thread(target=self._work, args=(reader, event), name=f"features-{number}", daemon=True).start()
        for event in warm:
            event.wait(self._config.circuit_reset_s)
        self._reader = reader
        self._attempted.set()

    def _work(self, reader: CustomerReader, warm: threading.Event) -> None:
        # Open this thread's connections. The first one also creates the event log's files, which takes longer than
        # `feature_timeout_s`.
        for read in (self._recent.of_customer, reader.read):
            with suppress(Exception):
                read("")
        warm.set()
        while True:
            request = self._requests.get()
            if not request.features.set_running_or_notify_cancel():
                continue  # the deadline has passed
            try:
                request.events = self._recent.of_customer(request.customer_id)
                request.purchase_status = "read"
            except EventsError:
                request.purchase_status = "error"  # it is counted, and the list is made from the features alone
            try:
                request.features.set_result(reader.read(request.customer_id))
            except Exception as error:
                request.features.set_exception(error)


def _sample(reader: CustomerReader, count: int, sample: Future[list[str]]) -> None:
    sample.set_running_or_notify_cancel()
    try:
        sample.set_result(reader.sample_ids(count))
    except Exception as error:
        sample.set_exception(error)
