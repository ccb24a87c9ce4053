"""Ten times the load a service can carry: what still gets answered, how fast the rest is turned away, and how soon
all is as before.

`python -m benchmarks.overload` asks the service on REACH_SERVICE_PORT for customers of the admitted data, in four
parts: its capacity (a few clients that ask again as soon as they are answered); the capacity that is left while as
many requests as in the overload ask for a path that does not exist; ten times the capacity at random moments that
nobody's answer delays (Poisson arrivals); and then half the capacity until one second is as good as any.

Sending that many requests, and refusing each, takes processor time from the service: more on one slow core than on
many. The second part measures how much, so the bounds hold on any machine. Exits with 1 if a part is worse than they
allow.
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
from typing import cast

import pyarrow.parquet as pq
import uvloop

from settings import Settings, load_settings

GOODPUT = 0.9
"""Share of the capacity left beside as many refused requests that is still answered under ten times the load."""

LEAST = 0.4
"""Share of the whole capacity that is still answered, however slow the machine."""

LOST = 0.05
"""Share of the lists that may be without their customer: a read misses its 40 ms when a machine stalls."""

TIMES = 10
"""The overload, in capacities."""

NOWHERE = "/there-is-no-such-path"
"""Refused by the service as early as what is too much."""

RECOVERY_SECONDS = 5.0
"""After the overload, all requests of one second are answered at usual speed within this."""

FALLBACK = 299
"""Stands for a 200 whose list is not personal: an overload must not make the lists worse."""

CLIENTS = 8
CONNECTIONS = 2_000
"""At most so many at once; a request that finds none free waits for one, and the wait counts."""


@dataclass
class Outcome:
    """Of each request: when it was due (seconds), its status (0: no answer; FALLBACK), seconds until the answer."""

    requests: list[tuple[float, int, float]] = field(default_factory=list)
    without_retry_after: int = 0

    def statuses(self) -> Counter[int]:
        return Counter(status for _, status, _ in self.requests)

    def latencies(self, status: int) -> list[float]:
        return sorted(seconds for _, found, seconds in self.requests if found == status)


class Connection(asyncio.Protocol):
    """One kept-alive connection, as lean as can be: it shares the machine with what it measures."""

    def __init__(self, outcome: Outcome, idle: list["Connection"]):
        self._outcome = outcome
        self._idle = idle
        self._received = bytearray()
        self._due = 0.0
        self.answered: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(self._received) < end + 4 + length:
            return
        status = int(head[9:12])
        if status == 200 and b'"fallback":null' not in self._received:
            status = FALLBACK
        self._received.clear()
        self._outcome.without_retry_after += status == 429 and b"\r\nretry-after: " not in head
        self._done(status)
        self._idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._idle:
            self._idle.remove(self)
        elif self._due:
            self._done(0)

    def close(self) -> None:
        self._due = 0.0
        self._transport.close()

    def _done(self, status: int) -> None:
        self._outcome.requests.append((self._due, status, time.perf_counter() - self._due))
        self._due = 0.0
        if self.answered and not self.answered.done():
            self.answered.set_result(None)


class Load:
    """Sends requests to a service on loopback."""

    def __init__(self, port: int, customers: Sequence[str], key: str | None):
        self._port = port
        self._pick = random.Random(7)
        authorization = f"Authorization: Bearer {key}\r\n" if key else ""
        self._requests: dict[str, list[bytes]] = {"/recommend": [], NOWHERE: []}
        for path, requests in self._requests.items():
            for customer in customers:
                body = json.dumps({"customer_id": customer, "k": 10})
                requests.append(
                    f"POST {path} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
                )

    async def closed(self, clients: int, seconds: float) -> Outcome:
        """`clients` that ask again as soon as they are answered."""
        outcome = Outcome()
        until = time.perf_counter() + seconds

        async def client() -> None:
            connection = await self._connect(outcome, [])
            while (now := time.perf_counter()) < until:
                connection.answered = asyncio.get_running_loop().create_future()
                connection.ask(self._pick.choice(self._requests["/recommend"]), now)
                await connection.answered
            connection.close()

        await asyncio.gather(*(client() for _ in range(clients)))
        return outcome

    async def open(self, per_second: float, seconds: float, path: str = "/recommend") -> Outcome:
        """Requests at moments that do not depend on answers; waits for the last answer for up to ten seconds."""
        outcome = Outcome()
        idle: list[Connection] = []
        made: list[Connection] = []
        sent = 0
        due = started = time.perf_counter()
        while due < started + seconds:
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            elif sent % 20 == 0:
                await asyncio.sleep(0)  # behind: answers must be read all the same
            while not idle and len(made) >= CONNECTIONS:
                await asyncio.sleep(0.001)
            if idle:
                connection = idle.pop()
            else:
                connection = await self._connect(outcome, idle)
                made.append(connection)
            connection.ask(self._pick.choice(self._requests[path]), due)
            sent += 1
            due += self._pick.expovariate(per_second)
        give_up = time.perf_counter() + 10.0
        while len(outcome.requests) < sent and time.perf_counter() < give_up:
            await asyncio.sleep(0.01)
        outcome.requests += [(due, 0, 10.0)] * (sent - len(outcome.requests))
        for connection in made:
            connection.close()
        return outcome

    async def _connect(self, outcome: Outcome, idle: list[Connection]) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(outcome, idle), "127.0.0.1", self._port)
        return connection


async def check(load: Load, seconds: float) -> dict[str, object]:
    """Figures of the four parts, and what is worse than it may be."""
    await load.closed(CLIENTS, 2.0)  # warm up
    before = await load.closed(CLIENTS, seconds)
    capacity = before.statuses()[200] / seconds
    usual = before.latencies(200)
    left_before = await _beside_refusals(load, capacity, seconds)
    flood = await load.open(TIMES * capacity, seconds)
    shed = flood.latencies(429)
    ended = time.perf_counter()
    after = await load.open(capacity / 2, 2 * RECOVERY_SECONDS)
    left = (left_before + await _beside_refusals(load, capacity, seconds)) / 2
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


async def _beside_refusals(load: Load, capacity: float, seconds: float) -> float:
    """Return answers per second while as many requests are refused as under overload.

    It is measured before and after the overload, so that other work on the machine weighs on both sides.
    """
    answered, _ = await asyncio.gather(
        load.closed(CLIENTS, seconds), load.open((TIMES - 1) * capacity, seconds, NOWHERE)
    )
    return answered.statuses()[200] / seconds


def recovery(after: Outcome, ended: float, usual: float) -> float | None:
    """Seconds from the overload's end until the first second in which every request got its answer and half of them
    within `usual`; None if there was none."""
    seconds = int(2 * RECOVERY_SECONDS)
    for start in range(seconds):
        found = [(status, took) for due, status, took in after.requests if start <= due - ended < start + 1]
        if found and {status for status, _ in found} == {200} and statistics.median(t for _, t in found) <= usual:
            return float(start)
    return None


def wrong(figures: dict[str, object], others: set[int]) -> list[str]:
    """What of `figures` is worse than the bounds, in words."""
    findings = []
    share, whole, recovered = (
        figures[name] for name in ("goodput_share_of_what_is_left", "goodput_share", "recovered_s")
    )
    lost = figures["lists_without_customer_share"]
    if not isinstance(share, float) or share < GOODPUT:
        findings.append(f"answers fell to {share} of the capacity beside as many refusals, below {GOODPUT}")
    if not isinstance(whole, float) or whole < LEAST:
        findings.append(f"answers fell to {whole} of the capacity, below {LEAST}")
    if not isinstance(lost, float) or lost > LOST:
        findings.append(f"{lost} of the lists were without their customer, more than {LOST}")
    if others:
        findings.append(f"requests ended with {sorted(others)} instead of 200 or 429")
    if figures["without_retry_after"]:
        findings.append(f"{figures['without_retry_after']} times 429 without Retry-After")
    if not isinstance(recovered, float) or recovered > RECOVERY_SECONDS:
        findings.append(f"it was not as before within {RECOVERY_SECONDS:g} seconds")
    return findings


def known_customers(settings: Settings) -> list[str]:
    """Every customer of the admitted transactions."""
    path = settings.paths.admitted / "transactions.parquet"
    return sorted(set(pq.read_table(path, columns=["customer_id"])["customer_id"].drop_null().to_pylist()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
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
