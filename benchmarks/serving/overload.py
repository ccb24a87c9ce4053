"""Measure what a service still answers under ten times its capacity, and how soon it recovers.

`python -m benchmarks.serving.overload` sends requests to the service on REACH_SERVICE_PORT for customers of the
admitted data, in four parts:

1. The capacity: a few clients send the next request when they have the answer.
2. The capacity left while as many requests as in the overload ask for a path that does not exist.
3. Ten times the capacity at random times (Poisson arrivals), which do not depend on answers.
4. Half the capacity, until one second is as fast as before.

Sending that many requests and refusing them takes processor time from the service, and more so on one slow core than on
many. The second part measures how much, so the bounds hold on any machine. The exit code is 1 if a part is worse than
its bound.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow.parquet as pq
import uvloop

from benchmarks.serving.load_client import LoadClient, at_poisson_times
from settings import Settings, load_settings

GOODPUT = 0.9
"""Smallest share of the capacity left next to as many refusals that is answered under ten times the load."""

MIN_CAPACITY_SHARE = 0.4
"""Smallest share of the whole capacity that is answered, on a machine of any speed."""

MAX_IMPERSONAL_SHARE = 0.05
"""Largest share of lists without their customer: a read misses its 40 ms when a machine stalls."""

OVERLOAD_FACTOR = 10
"""The overload, as a multiple of the capacity."""

RECOMMEND = "/recommend"
MISSING_PATH = "/there-is-no-such-path"
"""A path that the service refuses as early as a request over its limit."""

RECOVERY_SECONDS = 5.0
"""Longest time after the overload until one second is answered completely and at usual speed."""

FALLBACK = 299
"""Status that stands for a 200 whose list is not personal: an overload must not make the lists worse."""

CLIENTS = 8
MAX_CONNECTIONS = 2_000
"""Connections at once at most; a request that finds none free waits, and its latency includes the wait."""

ANSWER_TIMEOUT_S = 10.0
"""Time for the answers that are missing when the last request is sent."""


@dataclass
class Outcome:
    """Hold the result of a part.

    Attributes:
        requests: For each request its scheduled time (seconds), its status (0: no answer; FALLBACK) and its latency
            (seconds).
        without_retry_after: Number of answers with 429 that lack the header Retry-After.
    """

    requests: list[tuple[float, int, float]] = field(default_factory=list)
    without_retry_after: int = 0

    def statuses(self) -> Counter[int]:
        """Return the number of requests by status."""
        return Counter(status for _, status, _ in self.requests)

    def latencies(self, status: int) -> list[float]:
        """Return the latencies of requests with a status, in ascending order."""
        return sorted(seconds for _, found, seconds in self.requests if found == status)


class Load:
    """Send requests to a service on loopback."""

    def __init__(self, port: int, customers: Sequence[str], key: str | None):
        self._port = port
        self._key = key
        self._rng = random.Random(7)
        self._bodies = [json.dumps({"customer_id": customer, "k": 10}).encode() for customer in customers]

    async def closed(self, clients: int, seconds: float) -> Outcome:
        """Let clients send for some seconds, each the next request when it has the answer."""
        outcome, client = Outcome(), self._client()
        until = time.perf_counter() + seconds

        async def send() -> None:
            while (now := time.perf_counter()) < until:
                await self._send(client, outcome, RECOMMEND, now)

        await asyncio.gather(*(send() for _ in range(clients)))
        client.close()
        return outcome

    async def open(self, per_second: float, seconds: float, path: str = RECOMMEND) -> Outcome:
        """Send requests at random times that do not depend on answers.

        Args:
            per_second: Requests per second.
            seconds: Duration; the last answers may arrive `ANSWER_TIMEOUT_S` later.
            path: Path of the requests.
        """
        outcome, client = Outcome(), self._client()
        tasks: dict[asyncio.Task[None], float] = {}

        def start(scheduled: float) -> None:
            tasks[asyncio.ensure_future(self._send(client, outcome, path, scheduled))] = scheduled

        await at_poisson_times(per_second, seconds, self._rng, start)
        answered, late = await asyncio.wait(tasks, timeout=ANSWER_TIMEOUT_S)
        for task in answered:
            task.result()  # raises if the service is gone
        for task in late:
            task.cancel()
            outcome.requests.append((tasks[task], 0, ANSWER_TIMEOUT_S))
        client.close()
        return outcome

    def _client(self) -> LoadClient:
        return LoadClient(self._port, RECOMMEND, self._key, MAX_CONNECTIONS)

    async def _send(self, client: LoadClient, outcome: Outcome, path: str, scheduled: float) -> None:
        try:
            answer = await client.post(self._rng.choice(self._bodies), path)
        except ConnectionRefusedError:
            raise
        except OSError:
            status = 0
        else:
            status = answer.status
            if status == 200 and b'"fallback":null' not in answer.body:
                status = FALLBACK
            outcome.without_retry_after += status == 429 and b"\r\nretry-after: " not in answer.head
        outcome.requests.append((scheduled, status, time.perf_counter() - scheduled))


async def check(load: Load, seconds: float) -> dict[str, object]:
    """Run the four parts.

    Args:
        load: The load.
        seconds: Length of a part.

    Returns:
        The figures, with the sentences of `wrong`.
    """
    await load.closed(CLIENTS, 2.0)  # warm up
    before = await load.closed(CLIENTS, seconds)
    capacity = before.statuses()[200] / seconds
    usual = before.latencies(200)
    left_before = await _capacity_next_to_refusals(load, capacity, seconds)
    flood = await load.open(OVERLOAD_FACTOR * capacity, seconds)
    shed = flood.latencies(429)
    ended = time.perf_counter()
    after = await load.open(capacity / 2, 2 * RECOVERY_SECONDS)
    left = (left_before + await _capacity_next_to_refusals(load, capacity, seconds)) / 2
    statuses = flood.statuses()
    figures: dict[str, object] = {
        "capacity_rps": round(capacity, 1),
        "offered_rps": round(len(flood.requests) / seconds, 1),
        "goodput_rps": round(statuses[200] / seconds, 1),
        "capacity_beside_refusals_rps": round(left, 1),
        "goodput_share": round(statuses[200] / seconds / capacity, 3),
        "goodput_share_of_what_is_left": round(statuses[200] / seconds / max(left, 1e-9), 3),
        "lists_without_customer_share": round(statuses[FALLBACK] / max(statuses[FALLBACK] + statuses[200], 1), 4),
        "statuses": dict(sorted(statuses.items())),
        "without_retry_after": flood.without_retry_after,
        "answered_p50_ms": _ms(flood.latencies(200), 0.5),
        "answered_p99_ms": _ms(flood.latencies(200), 0.99),
        "shed_p50_ms": _ms(shed, 0.5),
        "shed_p99_ms": _ms(shed, 0.99),
        "usual_p50_ms": _ms(usual, 0.5),
        "recovered_s": recovery(after, ended, 3 * statistics.median(usual)),
    }
    return figures | {"wrong": wrong(figures, set(statuses) - {200, 429, FALLBACK})}


async def _capacity_next_to_refusals(load: Load, capacity: float, seconds: float) -> float:
    """Return answers per second while as many requests are refused as under overload.

    It is measured before and after the overload, so that other work on the machine affects both sides.
    """
    answered, _ = await asyncio.gather(
        load.closed(CLIENTS, seconds), load.open((OVERLOAD_FACTOR - 1) * capacity, seconds, MISSING_PATH)
    )
    return answered.statuses()[200] / seconds


def recovery(after: Outcome, ended: float, usual: float) -> float | None:
    """Return the seconds from the end of the overload to the first second that is as fast as before.

    Args:
        after: Requests after the overload.
        ended: Time at which the overload ended.
        usual: Latency (seconds) that half of a second's requests must reach; all of them must be answered.

    Returns:
        Seconds; None if no second was as fast.
    """
    seconds = int(2 * RECOVERY_SECONDS)
    for start in range(seconds):
        found = [(status, took) for due, status, took in after.requests if start <= due - ended < start + 1]
        if found and {status for status, _ in found} == {200} and statistics.median(t for _, t in found) <= usual:
            return float(start)
    return None


def wrong(figures: dict[str, object], others: set[int]) -> list[str]:
    """Return a sentence for each figure that is worse than its bound.

    Args:
        figures: The figures of `check`.
        others: Statuses under overload other than 200 and 429.
    """
    findings = []
    share, whole, recovered = (
        figures[name] for name in ("goodput_share_of_what_is_left", "goodput_share", "recovered_s")
    )
    lost = figures["lists_without_customer_share"]
    if not isinstance(share, float) or share < GOODPUT:
        findings.append(f"goodput fell to {share} of the capacity next to as many refusals, below {GOODPUT}")
    if not isinstance(whole, float) or whole < MIN_CAPACITY_SHARE:
        findings.append(f"goodput fell to {whole} of the capacity, below {MIN_CAPACITY_SHARE}")
    if not isinstance(lost, float) or lost > MAX_IMPERSONAL_SHARE:
        findings.append(f"{lost} of the lists were without their customer, more than {MAX_IMPERSONAL_SHARE}")
    if others:
        findings.append(f"requests ended with {sorted(others)} instead of 200 or 429")
    if figures["without_retry_after"]:
        findings.append(f"{figures['without_retry_after']} answers with 429 had no Retry-After")
    if not isinstance(recovered, float) or recovered > RECOVERY_SECONDS:
        findings.append(f"the service did not recover within {RECOVERY_SECONDS:g} seconds")
    return findings


def known_customers(settings: Settings) -> list[str]:
    """Return the ids of all customers of the admitted transactions."""
    path = settings.paths.admitted / "transactions.parquet"
    return sorted(set(pq.read_table(path, columns=["customer_id"])["customer_id"].drop_null().to_pylist()))


def main() -> None:
    """Run the overload of the command line and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a part (default: %(default)s)")
    options = parser.parse_args()
    settings = load_settings()
    key = settings.client_api_key.get_secret_value() if settings.client_api_key else None
    load = Load(settings.service_port, known_customers(settings), key)
    try:
        figures = uvloop.run(check(load, options.seconds))
    except ConnectionError:
        sys.exit(f"error: nothing listens on port {settings.service_port}. Start it: '.venv/bin/python -m serving'.")
    print(json.dumps(figures))
    sys.exit(1 if figures["wrong"] else 0)


def _ms(latencies: Sequence[float], share: float) -> float | None:
    return round(latencies[int(share * (len(latencies) - 1))] * 1e3, 1) if latencies else None


if __name__ == "__main__":
    main()
