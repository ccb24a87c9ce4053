"""A customer's features and purchases since, with a deadline: a hung store costs a fallback, no request."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from events.errors import LiveError
from events.records import Purchase
from serving.config import ServiceConfig
from serving.customer_state.circuit_breaker import CircuitBreaker

logger = logging.getLogger("reach.serving")

Outcome = Literal["found", "unknown", "timeout", "error", "circuit_open"]
"""`unknown`: the store answered and has no such customer; `circuit_open`: the breaker did not let us ask."""

PurchaseReadStatus = Literal["read", "error", "unread"]
"""What came of reading the purchases; `unread`: it was not tried, or had not come back in time."""

Features = Mapping[str, Any]


class CustomerReader(Protocol):
    """Reads one customer's row of the online store; None if there is none. Several threads use it at once."""

    def read(self, customer_id: str) -> Features | None: ...

    def sample_ids(self, count: int) -> list[str]:
        """Ids of a few customers there are."""
        ...


class RecentPurchases(Protocol):
    """Reads what a customer bought lately. Several threads use it at once. Raises LiveError."""

    def of_customer(self, customer_id: str) -> list[Purchase]: ...


@dataclass(frozen=True)
class FeatureResult:
    """What came of a read; `features` is None unless the outcome is `found`, or they are remembered. Purchases may be
    there without them."""

    outcome: Outcome
    features: Features | None = None
    purchase_status: PurchaseReadStatus = "unread"
    purchases: Sequence[Purchase] = ()
    from_cache: bool = False


@dataclass
class ReadRequest:
    """One read on its way. The purchases come first: they are at hand if the features then fail."""

    customer_id: str
    features: Future[Features | None] = field(default_factory=Future)
    purchase_status: PurchaseReadStatus = "unread"
    purchases: Sequence[Purchase] = ()


class FeatureClient:
    """Reads on threads of their own, behind a deadline and a breaker.

    The threads are daemons: one that hangs in a client library must not keep the service from stopping.
    """

    def __init__(self, open_reader: Callable[[], CustomerReader], recent: RecentPurchases, config: ServiceConfig):
        self._open_reader = open_reader
        self._recent = recent
        self._config = config
        self._reader: CustomerReader | None = None
        self._tried = threading.Event()
        self._stopped = threading.Event()
        self._requests: queue.SimpleQueue[ReadRequest] = queue.SimpleQueue()
        self._breaker = CircuitBreaker(config.circuit_failures, config.circuit_reset_s)

    def start(self) -> None:
        """Open the store on a thread, for as long as that takes and as often as it needs."""
        threading.Thread(target=self._open, name="features-open", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    @property
    def startup_attempted(self) -> bool:
        """Whether the store was opened, or once could not be: what answers say from now on will not change soon."""
        return self._tried.is_set()

    def wait(self, seconds: float) -> None:
        """Until the store was opened, or could not be, or so long."""
        self._tried.wait(seconds)

    @property
    def state(self) -> Literal["answers", "does not answer", "not open"]:
        """What is known of the store from the reads so far."""
        if self._reader is None:
            return "not open"
        return "does not answer" if self._breaker.is_open else "answers"

    async def read(self, customer_id: str) -> FeatureResult:
        """The customer's features and purchases, or why there are none, within `feature_timeout_s`."""
        if self._reader is None:
            return FeatureResult("error")
        if not self._breaker.allows():
            return FeatureResult("circuit_open")
        request = ReadRequest(customer_id)
        self._requests.put(request)
        try:
            features = await asyncio.wait_for(asyncio.wrap_future(request.features), self._config.feature_timeout_s)
        except TimeoutError:
            self._failed(f"no answer within {self._config.feature_timeout_s:g} s")
            return FeatureResult("timeout", None, request.purchase_status, request.purchases)
        except Exception as error:  # whatever a store's client raises, the customer gets a list
            self._failed(type(error).__name__)
            return FeatureResult("error", None, request.purchase_status, request.purchases)
        if self._breaker.is_open:
            logger.info("The online store answers again.")
        self._breaker.succeeded()
        return FeatureResult(
            "unknown" if features is None else "found", features, request.purchase_status, request.purchases
        )

    async def sample_customers(self, count: int) -> list[str]:
        """Ids of a few customers the store knows; none if it does not answer in time."""
        if self._reader is None or self._breaker.is_open:
            return []
        found: Future[list[str]] = Future()
        # On a thread of its own: those that read for requests are not to wait for this.
        threading.Thread(target=_find, args=(self._reader, count, found), name="features-sample", daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(found), self._config.feature_timeout_s)
        except Exception as error:  # a convenience: who types an id needs none of this
            logger.info("No customers could be suggested (%s).", type(error).__name__)
            return []

    def _failed(self, cause: str) -> None:
        was_open = self._breaker.is_open
        self._breaker.failed()
        if self._breaker.is_open and not was_open:
            # Not the error's own words: a client's message may quote the key that was read, a customer.
            logger.warning(
                "The online store failed %d times in a row (%s); answering without it, asking again every %g s.",
                self._config.circuit_failures,
                cause,
                self._config.circuit_reset_s,
            )

    def _open(self) -> None:
        while not self._stopped.is_set():
            try:
                reader = self._open_reader()
                break
            except Exception as error:  # no customer was asked for: the error may speak
                if not self._tried.is_set():
                    logger.warning("The online store cannot be opened; answering without it. %s", error)
                self._tried.set()
                self._stopped.wait(self._config.circuit_reset_s)
        else:
            return
        warm = [threading.Event() for _ in range(self._config.feature_threads)]
        for number, event in enumerate(warm):
            threading.Thread(target=self._work, args=(reader, event), name=f"features-{number}", daemon=True).start()
        for event in warm:
            event.wait(self._config.circuit_reset_s)
        self._reader = reader
        self._tried.set()

    def _work(self, reader: CustomerReader, warm: threading.Event) -> None:
        # Each thread has connections of its own, and the first one makes the journal's files, which takes longer than a
        # customer waits.
        for read in (self._recent.of_customer, reader.read):
            with suppress(Exception):
                read("")
        warm.set()
        while True:
            request = self._requests.get()
            if not request.features.set_running_or_notify_cancel():
                continue  # its request has given up
            try:
                request.purchases, request.purchase_status = self._recent.of_customer(request.customer_id), "read"
            except LiveError:
                request.purchase_status = "error"  # counted, and the list comes from the features alone
            try:
                request.features.set_result(reader.read(request.customer_id))
            except Exception as error:
                request.features.set_exception(error)


def _find(reader: CustomerReader, count: int, found: Future[list[str]]) -> None:
    found.set_running_or_notify_cancel()
    try:
        found.set_result(reader.sample_ids(count))
    except Exception as error:
        found.set_exception(error)
