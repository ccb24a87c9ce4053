"""Reading features: the deadline, the breaker, and a store that opens late."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from events.errors import EventLogUnavailableError
from events.records import CustomerEvents, Purchase
from serving.config import ServiceConfig
from serving.customer_state.circuit_breaker import CircuitBreaker
from serving.customer_state.feature_client import FeatureClient, FeatureResult

CONFIG = ServiceConfig(feature_timeout_s=0.05, feature_threads=2, circuit_failures=3, circuit_reset_s=0.2)


class Store:
    """Answers at once, hangs (until released, or for 3 s: far beyond the deadline), or fails, as configured."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.release.set()
        self.broken = False
        self.asked: list[str] = []

    def read(self, customer_id: str) -> dict[str, Any] | None:
        if customer_id:  # else a thread warms up
            self.asked.append(customer_id)
        self.release.wait(3)
        if self.broken:
            raise ConnectionError("no connection")
        return {"id": customer_id} if customer_id.startswith("known") else None

    def sample_ids(self, count: int) -> list[str]:
        self.release.wait(3)
        if self.broken:
            raise ConnectionError("no connection")
        return [f"known-{i}" for i in range(count)]


NOON = datetime(2018, 1, 1, 12)


class Recent:
    """One purchase of everybody's, or a broken journal."""

    def __init__(self, broken: bool = False) -> None:
        self._broken = broken

    def of_customer(self, customer_id: str) -> CustomerEvents:
        if self._broken:
            raise EventLogUnavailableError("no disk")
        return CustomerEvents([Purchase("e1", "p1", NOON, NOON, 1.0, None)])


BOUGHT = Recent().of_customer("anybody").purchases


def started(store: Store, recent: Recent | None = None) -> FeatureClient:
    reads = FeatureClient(lambda: store, recent or Recent(), CONFIG)
    reads.start()
    reads.wait(20)
    return reads


def run(reads: FeatureClient, *customers: str) -> list[FeatureResult]:
    async def all_at_once() -> list[FeatureResult]:
        return list(await asyncio.gather(*(reads.read(customer) for customer in customers)))

    return asyncio.run(all_at_once())


def test_the_first_customers_wait_for_no_connection_that_a_thread_makes_once() -> None:
    class Cold(Store, Recent):
        """Slow at the first question of a thread, as a store and as a journal."""

        def __init__(self) -> None:
            super().__init__()
            self._broken = False
            self._threads = threading.local()

        def read(self, customer_id: str) -> dict[str, Any] | None:
            self._connect("store")
            return super().read(customer_id)

        def of_customer(self, customer_id: str) -> CustomerEvents:
            self._connect("journal")
            return super().of_customer(customer_id)

        def _connect(self, name: str) -> None:
            if not hasattr(self._threads, name):
                threading.Event().wait(2 * CONFIG.feature_timeout_s)
                setattr(self._threads, name, True)

    cold = Cold()
    assert [read.outcome for read in run(started(cold, cold), "known-1", "known-2")] == ["found", "found"]


def test_a_store_that_hangs_at_the_start_does_not_hold_the_service_up() -> None:
    store = Store()
    store.release.clear()
    assert run(started(store), "known-1")[0].outcome == "timeout"
    store.release.set()


def test_known_and_unknown_customers_are_told_apart() -> None:
    known, unknown = run(started(Store()), "known-1", "stranger")

    assert known == FeatureResult("found", {"id": "known-1"}, "read", BOUGHT)
    assert unknown == FeatureResult("unknown", None, "read", BOUGHT)


def test_a_broken_journal_costs_the_purchases_and_not_the_features() -> None:
    [read] = run(started(Store(), Recent(broken=True)), "known-1")
    assert read == FeatureResult("found", {"id": "known-1"}, "error", ())


def test_purchases_are_at_hand_when_the_features_fail() -> None:
    store = Store()
    store.broken = True
    [read] = run(started(store), "known-1")
    assert read == FeatureResult("error", None, "read", BOUGHT)


def test_a_hung_store_is_given_up_at_the_deadline_even_when_every_thread_hangs() -> None:
    store = Store()
    reads = started(store)
    store.release.clear()

    outcomes = [read.outcome for read in run(reads, *(f"known-{i}" for i in range(10)))]
    assert outcomes == ["timeout"] * 10
    assert len(store.asked) == CONFIG.feature_threads  # the others waited for a thread and were given up


def test_when_a_hung_store_comes_back_it_is_not_asked_for_requests_that_have_gone() -> None:
    store = Store()
    reads = started(store)
    store.release.clear()
    run(reads, *(f"gone-{i}" for i in range(10)))
    store.release.set()

    _wait(lambda: run(reads, "known-1")[0].outcome == "found")
    assert [customer for customer in store.asked if customer.startswith("gone")] == ["gone-0", "gone-1"]


def test_after_failures_in_a_row_the_store_is_left_alone_then_asked_once_then_used_again() -> None:
    store = Store()
    store.broken = True
    reads = started(store)
    assert [run(reads, "known-1")[0].outcome for _ in range(4)] == ["error", "error", "error", "circuit_open"]

    async def one_probe() -> list[FeatureResult]:
        await asyncio.sleep(CONFIG.circuit_reset_s + 0.05)
        return list(await asyncio.gather(*(reads.read(f"known-{i}") for i in range(3))))

    store.broken = False
    assert [read.outcome for read in asyncio.run(one_probe())] == ["found", "circuit_open", "circuit_open"]
    assert run(reads, "known-2")[0].outcome == "found"


def test_single_failures_among_successes_do_not_stop_the_reads() -> None:
    store = Store()
    reads = started(store)
    for _ in range(5):
        store.broken = True
        assert run(reads, "known-1")[0].outcome == "error"
        store.broken = False
        assert run(reads, "known-1")[0].outcome == "found"


def test_a_store_that_cannot_be_opened_yet_is_tried_again() -> None:
    store, attempts = Store(), []

    def open_at_the_third_attempt() -> Store:
        attempts.append(1)
        if len(attempts) < 3:
            raise FileNotFoundError("no registry")
        return store

    reads = FeatureClient(open_at_the_third_attempt, Recent(), CONFIG)
    assert run(reads, "known-1")[0].outcome == "error"
    reads.start()
    _wait(lambda: reads.startup_attempted)
    _wait(lambda: run(reads, "known-1")[0].outcome == "found")
    assert len(attempts) == 3


def _wait(done: Callable[[], bool]) -> None:
    for _ in range(2000):
        if done():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never happened")


def test_a_breaker_lets_one_caller_a_pause_through() -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=2, pause_seconds=10, clock=lambda: now[0])
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    now[0] = 10.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_customers_to_begin_with_come_from_the_store_and_never_late_or_as_an_error() -> None:
    store = Store()
    reads = started(store)
    assert asyncio.run(reads.sample_customers(2)) == ["known-0", "known-1"]
    store.broken = True
    assert asyncio.run(reads.sample_customers(2)) == []
    store.release.clear()
    assert asyncio.run(reads.sample_customers(2)) == []
    store.release.set()
