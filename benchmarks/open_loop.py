"""Requests at the times when customers would send them, whether or not the service keeps up.

Arrivals are a Poisson process, drawn before. Latency counts from the scheduled arrival: a service that stalls delays
those behind, too, and that is told (no coordinated omission).
"""

import asyncio
import random
import statistics
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

IDLE_SECONDS = 3.0
"""A connection that lay idle for longer is not used again: the server closes it after five."""


@dataclass
class Load:
    """What a load brought: seconds each request took, answers by status, and how long it lasted (seconds)."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """p50, p95 and p99 in milliseconds; how many a second were answered with 200 (a refusal is no goodput)."""
        cuts = statistics.quantiles(self.latencies, n=100)
        percentiles = {f"p{p}_ms": cuts[p - 1] * 1e3 for p in (50, 95, 99)}
        return percentiles | {"rps": self.statuses["200"] / self.seconds}


class Client:
    """As lean as can be, for it shares the machine with what it measures: `POST`s over kept-alive connections."""

    def __init__(self, port: int, path: str):
        self._port = port
        self._head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
        self._idle: deque[tuple[float, Connection]] = deque()

    async def post(self, body: bytes) -> tuple[str, bytes]:
        """Status and body of the answer. Opens another connection if all are busy."""
        connection = self._taken() or await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = connection
        writer.write(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
        header = await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readexactly(int(header.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        self._idle.append((time.perf_counter(), connection))
        return header.split(b" ", 2)[1].decode(), answer

    def close(self) -> None:
        for _, (_, writer) in self._idle:
            writer.close()

    def _taken(self) -> Connection | None:
        """The idle connection that was used last, if it is still good; those left idle since a burst are not."""
        while self._idle:
            since, connection = self._idle.pop()
            if time.perf_counter() - since < IDLE_SECONDS:
                return connection
            connection[1].close()
        return None


def offer(port: int, path: str, bodies: Sequence[bytes], rate: float, seconds: float, seed: int) -> Load:
    """Offer `rate` requests a second for `seconds`, bodies drawn at random."""
    return asyncio.run(_offer(port, path, bodies, rate, seconds, random.Random(seed)))


async def _offer(
    port: int, path: str, bodies: Sequence[bytes], rate: float, seconds: float, rng: random.Random
) -> Load:
    client, load, loop = Client(port, path), Load(), asyncio.get_running_loop()
    arrivals: list[float] = []
    at = rng.expovariate(rate)
    while at < seconds:
        arrivals.append(at)
        at += rng.expovariate(rate)
    tasks: list[asyncio.Task[None]] = []
    done = asyncio.Event()
    begin = time.perf_counter() + 0.05

    async def one(scheduled: float, body: bytes) -> None:
        try:
            status, _ = await client.post(body)
        except (OSError, asyncio.IncompleteReadError) as error:
            status = type(error).__name__
        load.latencies.append(time.perf_counter() - scheduled)
        load.statuses[status] += 1

    def start(scheduled: float) -> None:
        tasks.append(asyncio.ensure_future(one(scheduled, rng.choice(bodies))))

    def pace() -> None:  # a thread: the event loop's own clock ticks in milliseconds
        for arrival in arrivals:
            time.sleep(max(begin + arrival - time.perf_counter(), 0.0))
            loop.call_soon_threadsafe(start, begin + arrival)
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=pace, daemon=True).start()
    await done.wait()
    await asyncio.gather(*tasks)
    load.seconds = time.perf_counter() - begin
    client.close()
    return load


def saturate(port: int, path: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    """As many requests as so many connections can make, each sending the next when it has the answer."""
    return asyncio.run(_saturate(port, path, bodies, connections, seconds))


async def _saturate(port: int, path: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    load, client, begin = Load(), Client(port, path), time.perf_counter()

    async def one(rng: random.Random) -> None:
        while time.perf_counter() - begin < seconds:
            started = time.perf_counter()
            status, _ = await client.post(rng.choice(bodies))
            load.latencies.append(time.perf_counter() - started)
            load.statuses[status] += 1

    await asyncio.gather(*(one(random.Random(number)) for number in range(connections)))
    load.seconds = time.perf_counter() - begin
    client.close()
    return load
