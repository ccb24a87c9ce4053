"""Send requests at the times when customers would send them, whether or not the service keeps up.

Arrivals are a Poisson process. Latency counts from the scheduled arrival, so a stall of the service also counts for the
requests behind it (no coordinated omission).
"""

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.serving.load_client import LoadClient, at_poisson_times


@dataclass
class Load:
    """Hold the result of a load.

    Attributes:
        latencies: Seconds of each request.
        statuses: Number of answers by status, or by the error's name.
        seconds: Duration of the load.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """Return p50, p95 and p99 in milliseconds, and the answers with status 200 per second."""
        cuts = statistics.quantiles(self.latencies, n=100)
        percentiles = {f"p{p}_ms": cuts[p - 1] * 1e3 for p in (50, 95, 99)}
        return percentiles | {"rps": self.statuses["200"] / self.seconds}


def offer(port: int, path: str, bodies: Sequence[bytes], rate: float, seconds: float, seed: int) -> Load:
    """Send requests at random times.

    Args:
        port: Port of the service.
        path: Path of the requests.
        bodies: Bodies, drawn at random.
        rate: Requests per second.
        seconds: Duration.
        seed: Seed of times and bodies.
    """
    return asyncio.run(_offer(port, path, bodies, rate, seconds, random.Random(seed)))


async def _offer(
    port: int, path: str, bodies: Sequence[bytes], rate: float, seconds: float, rng: random.Random
) -> Load:
    client, load = LoadClient(port, path), Load()
    tasks: list[asyncio.Task[None]] = []

    async def one(scheduled: float, body: bytes) -> None:
        try:
            status = str((await client.post(body)).status)
        except OSError as error:
            status = type(error).__name__
        load.latencies.append(time.perf_counter() - scheduled)
        load.statuses[status] += 1

    def start(scheduled: float) -> None:
        tasks.append(asyncio.ensure_future(one(scheduled, rng.choice(bodies))))

    begin = await at_poisson_times(rate, seconds, rng, start)
    await asyncio.gather(*tasks)
    load.seconds = time.perf_counter() - begin
    client.close()
    return load


def saturate(port: int, path: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Send as many requests as possible: each connection sends the next one when it has the answer."""
    return asyncio.run(_saturate(port, path, bodies, connections, seconds))


async def _saturate(port: int, path: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    load, client, begin = Load(), LoadClient(port, path), time.perf_counter()

    async def one(rng: random.Random) -> None:
        while time.perf_counter() - begin < seconds:
            started = time.perf_counter()
            answer = await client.post(rng.choice(bodies))
            load.latencies.append(time.perf_counter() - started)
            load.statuses[str(answer.status)] += 1

    await asyncio.gather(*(one(random.Random(number)) for number in range(connections)))
    load.seconds = time.perf_counter() - begin
    client.close()
    return load
