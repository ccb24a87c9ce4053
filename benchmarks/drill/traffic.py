"""A steady load whose every answer is checked."""

import http.client
import json
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import ValidationError

from benchmarks.drill.answers import SLATES, Expected
from serving.api.schemas import RecommendResponse

PERSONAL = "personal"
NEWCOMERS = frozenset({"unknown_customer", "empty_history", "baseline"})
"""Marks that say something of the customer; all others say something of the store."""

CLIENTS = 4
PATIENCE_SECONDS = 120.0
"""How long a client waits: a process that restarts lets requests wait."""


@dataclass
class Seen:
    """What clients saw in some time. resent: requests whose connection broke before an answer came, sent once more."""

    requests: int = 0
    resent: int = 0
    failures: list[str] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def troubled(self) -> float:
        """Share of the answers that the online store's state has marked."""
        fine = sum(count for mark, count in self.marks.items() if mark == PERSONAL or mark in NEWCOMERS)
        return 1.0 - fine / max(self.requests, 1)

    def p99_ms(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[98] * 1e3 if len(self.seconds) > 1 else 0.0

    def story(self) -> str:
        """In a sentence."""
        marks = ", ".join(f"{count} {mark}" for mark, count in self.marks.most_common())
        resent = f", {self.resent} sent again" if self.resent else ""
        failures = f"; the first: {self.failures[0]}" if self.failures else ""
        return f"{self.requests} requests, {len(self.failures)} failed{resent} ({marks}){failures}"


class Traffic:
    """Clients that ask all the time, each on a kept connection. A broken connection is tried once more, as any HTTP
    client does; anything else than the right list of one version is a failure. `rate`: requests a second; `visits`: how
    often each customer was here before."""

    def __init__(self, port: int, expected: Expected, customers: Sequence[str], rate: float, visits: int):
        self.total = Seen()
        self._port = port
        self._expected = expected
        self._customers = customers
        self._pause = CLIENTS / rate
        self._visits = visits
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._watching: list[Seen] = [self.total]
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(CLIENTS)]

    def __enter__(self) -> "Traffic":
        # Everybody has been here before: what an outage does to newcomers is told by the stranger.
        for customer_id in self._visits * list(self._customers):
            self._once(self._connect(), customer_id, SLATES[0])
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @contextmanager
    def watch(self, settle: float = 0.0) -> Iterator[Seen]:
        """What is seen while the block runs, and the answers to what was asked in it, `settle` seconds later."""
        seen = Seen()
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
        connection = self._connect()
        while not self._stop.wait(pick.expovariate(1 / self._pause)):
            self._once(connection, pick.choice(self._customers), pick.choice(SLATES))
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)

    def _once(self, connection: http.client.HTTPConnection, customer_id: str, slate: str) -> None:
        body = json.dumps({"customer_id": customer_id, "slate": slate, "k": self._expected.k})
        started = time.perf_counter()
        resent, status, answer = self._ask(connection, body)
        self._note(customer_id, slate, status, answer, resent, time.perf_counter() - started)

    def _ask(self, connection: http.client.HTTPConnection, body: str) -> tuple[bool, int, bytes]:
        for last in (False, True):
            try:
                connection.request("POST", "/recommend", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                return last, answer.status, answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()  # the next request opens another
                if last:
                    return True, 0, f"{type(error).__name__}: {error}".encode()
        raise AssertionError

    def _note(self, customer_id: str, slate: str, status: int, answer: bytes, resent: bool, took: float) -> None:
        failure, version, mark = None, "", f"status {status}"
        if status == 200:
            try:
                parsed = RecommendResponse.model_validate_json(answer)
                version, mark = parsed.model_version, parsed.fallback or PERSONAL
                failure = self._expected.wrong(customer_id, slate, parsed)
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
