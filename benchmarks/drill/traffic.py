"""Send a steady load and check each answer."""

import json
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from pydantic import ValidationError

from benchmarks.drill.answers import SLATES, Expected
from serving.api.schemas import RecommendResponse

NO_FALLBACK = "personal"
CUSTOMER_MARKS = frozenset({"unknown_customer", "empty_history", "baseline"})
"""Fallbacks caused by the customer; all others are caused by the store."""

CLIENTS = 4
CLIENT_TIMEOUT_S = 120.0
"""Timeout of a client: requests wait while a process restarts."""


@dataclass
class TrafficStats:
    """Count the requests of a period.

    Attributes:
        requests: Number of requests.
        resent: Number of requests sent again because the connection broke before an answer.
        failures: Description of each failed request.
        versions: Answers by model version.
        marks: Answers by fallback.
        seconds: Latency of each request.
    """

    requests: int = 0
    resent: int = 0
    failures: list[str] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def degraded_share(self) -> float:
        """Return the share of answers with a fallback caused by the online store."""
        fine = sum(count for mark, count in self.marks.items() if mark == NO_FALLBACK or mark in CUSTOMER_MARKS)
        return 1.0 - fine / max(self.requests, 1)

    def p99_ms(self) -> float:
        """Return the 99th percentile of the latency in milliseconds."""
        return statistics.quantiles(self.seconds, n=100)[98] * 1e3 if len(self.seconds) > 1 else 0.0

    def summary(self) -> str:
        """Return the counts as a sentence."""
        marks = ", ".join(f"{count} {mark}" for mark, count in self.marks.most_common())
        resent = f", {self.resent} sent again" if self.resent else ""
        failures = f"; the first: {self.failures[0]}" if self.failures else ""
        return f"{self.requests} requests, {len(self.failures)} failed{resent} ({marks}){failures}"


class Traffic:
    """Let clients send requests at random times, each on a kept-alive connection.

    A request on a broken connection is sent once more, as HTTP clients do. Any answer that is not the correct list of
    one version is a failure.

    Args:
        port: Port of the service.
        expected: The expected lists.
        customers: Customers of the requests.
        rate: Requests per second of all clients together.
        visits: Requests for each customer before the load starts.
    """

    def __init__(self, port: int, expected: Expected, customers: Sequence[str], rate: float, visits: int):
        self.total = TrafficStats()
        self._url = f"http://127.0.0.1:{port}/recommend"
        self._expected = expected
        self._customers = customers
        self._pause = CLIENTS / rate
        self._visits = visits
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._watching: list[TrafficStats] = [self.total]
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(CLIENTS)]

    def __enter__(self) -> "Traffic":
        # Every customer is served before the faults. Each visit opens a connection, so that all workers cache the
        # customer. The unknown customer stands for new ones.
        with httpx.Client(timeout=CLIENT_TIMEOUT_S, headers={"Connection": "close"}) as client:
            for customer_id in self._visits * list(self._customers):
                self._once(client, customer_id, SLATES[0])
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @contextmanager
    def watch(self, settle: float = 0.0) -> Iterator[TrafficStats]:
        """Record the answers while the block runs, and for `settle` seconds after it."""
        seen = TrafficStats()
        with self._lock:
            self._watching.append(seen)
        try:
            yield seen
            time.sleep(settle)
        finally:
            with self._lock:
                self._watching.remove(seen)

    def _client(self, number: int) -> None:
        pick = random.Random(number)
        with httpx.Client(timeout=CLIENT_TIMEOUT_S) as client:
            while not self._stop.wait(pick.expovariate(1 / self._pause)):
                self._once(client, pick.choice(self._customers), pick.choice(SLATES))

    def _once(self, client: httpx.Client, customer_id: str, slate: str) -> None:
        body = json.dumps({"customer_id": customer_id, "slate": slate, "k": self._expected.k})
        started = time.perf_counter()
        resent, status, answer = self._post(client, body)
        self._note(customer_id, slate, status, answer, resent, time.perf_counter() - started)

    def _post(self, client: httpx.Client, body: str) -> tuple[bool, int, bytes]:
        for last in (False, True):
            try:
                answer = client.post(self._url, content=body, headers={"Content-Type": "application/json"})
                return last, answer.status_code, answer.content
            except httpx.TransportError as error:  # the next request opens another connection
                if last:
                    return True, 0, f"{type(error).__name__}: {error}".encode()
        raise AssertionError

    def _note(self, customer_id: str, slate: str, status: int, answer: bytes, resent: bool, took: float) -> None:
        failure, version, mark = None, "", f"status {status}"
        if status == 200:
            try:
                parsed = RecommendResponse.model_validate_json(answer)
                version, mark = parsed.model_version, parsed.fallback or NO_FALLBACK
                failure = self._expected.mismatch(customer_id, slate, parsed)
            except ValidationError as error:
                failure = f"an answer of another shape: {error.errors()[0]}"
        else:
            failure = f"{status} {answer[:200].decode(errors='replace')}"
        with self._lock:
            for seen in self._watching:
                seen.requests += 1
                seen.resent += resent
                seen.marks[mark] += 1
                seen.seconds.append(took)
                if version:
                    seen.versions[version] += 1
                if failure:
                    seen.failures.append(failure)
