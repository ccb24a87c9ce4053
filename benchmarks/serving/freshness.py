"""Measure how long after a purchase the lists reflect it, on the real service under load.

`make bench-events` copies the installation of REACH_DATA and serves the copy. Customers of the published features then
buy the first product of their `explore` list, at the times of a Poisson process. Each purchase is posted to `/events`
on its own connection. Another connection requests the list until the product is no longer in it. Times count from the
scheduled purchase (benchmarks/serving/open_loop.py). Nothing is written to the installation.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.drill.answers import IMPERSONAL, SLATES
from benchmarks.drill.sandbox import Sandbox
from benchmarks.drill.stores import RedisServer
from benchmarks.installation import champion_version, known_customers
from benchmarks.serving.load_client import LoadClient
from benchmarks.serving.open_loop import offer
from settings import Settings, load_settings

K = 10
PATIENCE_SECONDS = 10.0
"""Time after which a purchase counts as never seen."""
RETRIED = (429, 503)
"""Statuses after which the same event is sent again."""
PAUSE_SECONDS = 0.01
"""Pause before an event is sent again, and before a list is requested again."""
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
"""Options as in docker-compose.yml: Redis acknowledges an event when it is on the disk."""
STORE_NOT_READ = IMPERSONAL | {"cached_features"}
"""Fallbacks of lists for which the store was not read in time; they cannot show whether it has the purchase."""


@dataclass(frozen=True)
class Visit:
    """Hold a customer and the product of the shown list that the customer will buy."""

    customer_id: str
    product_id: str
    request_id: str


@dataclass(frozen=True)
class Outcome:
    """Hold the effect of one purchase.

    Attributes:
        acknowledged: Seconds from the purchase to its acknowledgement.
        changed: Seconds from the purchase to the first list without the product; None without such a list.
        answers: Number of lists until then for which the store was read.
    """

    acknowledged: float
    changed: float | None
    answers: int


def main() -> None:
    """Run the benchmark of the command line and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.freshness", description=__doc__)
    parser.add_argument("--events", type=int, default=600, help="purchases, one per customer (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=20.0, help="purchases per second (default: %(default)s)")
    parser.add_argument("--load", type=float, default=50.0, help="other lists per second (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service (default: %(default)s)")
    parser.add_argument("--redis", action="store_true", help="on a Redis server started for this, instead of SQLite")
    options = parser.parse_args()
    settings = load_settings()
    champion_version(settings)
    with TemporaryDirectory(dir=settings.data, prefix="freshness-") as folder:
        result = measure(settings, Path(folder), options)
    print(json.dumps(result))


def measure(settings: Settings, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Serve a copy and let customers buy.

    Args:
        settings: The installation.
        folder: An empty folder for the copy.
        options: The options of the command line.

    Returns:
        The figures of the last line.
    """
    customers = known_customers(settings)
    random.Random(settings.seed).shuffle(customers)
    buyers, others = customers[: options.events], customers[options.events :] or customers
    bodies = [json.dumps({"customer_id": name, "slate": slate}).encode() for name in others for slate in SLATES]
    with ExitStack() as stack:
        sandbox = stack.enter_context(installation(settings, folder, options.redis))
        port = stack.enter_context(sandbox.service(REACH_SERVICE_WORKERS=str(options.workers))).port
        visits = asyncio.run(look(port, buyers))
        seconds = len(visits) / options.rate
        load = threading.Thread(target=offer, args=(port, "/recommend", bodies, options.load, seconds, settings.seed))
        load.start()
        outcomes = asyncio.run(buy(port, visits, options.rate, settings.seed))
        load.join()
    return figures(outcomes, options)


@contextmanager
def installation(settings: Settings, folder: Path, on_redis: bool) -> Iterator[Sandbox]:
    """Copy the installation; its events go to Redis if its features do."""
    sandbox = Sandbox.of(settings, folder)
    if not on_redis:
        yield sandbox
        return
    with RedisServer.running(folder / "redis", *DURABLE) as server:
        yield sandbox.on_redis(server.address)


async def look(port: int, customers: Sequence[str]) -> list[Visit]:
    """Request a list for each customer and choose its first product; customers without a personal list do not buy."""
    client, visits = LoadClient(port, "/recommend"), []
    for customer_id in customers:
        answer = await _explore(client, customer_id)
        if answer is not None and answer["items"]:
            visits.append(Visit(customer_id, answer["items"][0]["product_id"], answer["request_id"]))
    client.close()
    if not visits:
        sys.exit("error: no customer of the published features gets a personal list.")
    return visits


async def buy(port: int, visits: Sequence[Visit], rate: float, seed: int) -> list[Outcome]:
    """Make one purchase per visit at its scheduled time, whatever the state of earlier ones."""
    pick, due, tasks = random.Random(seed), time.perf_counter() + 0.1, []
    for visit in visits:
        due += pick.expovariate(rate)
        tasks.append(asyncio.create_task(_purchase(port, visit, due)))
    return await asyncio.gather(*tasks)


async def _purchase(port: int, visit: Visit, due: float) -> Outcome:
    await asyncio.sleep(max(due - time.perf_counter(), 0.0))
    till, shop, event = LoadClient(port, "/events"), LoadClient(port, "/recommend"), _event(visit)
    answer = await till.post(event)
    while answer.status in RETRIED and time.perf_counter() - due < PATIENCE_SECONDS:
        await asyncio.sleep(PAUSE_SECONDS)
        answer = await till.post(event)
    if answer.status != 200:
        raise RuntimeError(
            f"A purchase was answered with {answer.status}: {answer.body.decode(errors='replace')[:300]}"
        )
    acknowledged, answers = time.perf_counter() - due, 0
    changed = None
    while changed is None and time.perf_counter() - due < PATIENCE_SECONDS:
        found = await _explore(shop, visit.customer_id)
        answers += found is not None
        if found is not None and all(item["product_id"] != visit.product_id for item in found["items"]):
            changed = time.perf_counter() - due
        else:
            await asyncio.sleep(PAUSE_SECONDS)
    till.close()
    shop.close()
    return Outcome(acknowledged, changed, answers)


async def _explore(client: LoadClient, customer_id: str) -> dict[str, Any] | None:
    """Return the customer's list; None if there is none, or if the store was not read for it."""
    answer = await client.post(json.dumps({"customer_id": customer_id, "slate": "explore", "k": K}).encode())
    if answer.status != 200:
        return None
    found: dict[str, Any] = json.loads(answer.body)
    return None if found["fallback"] in STORE_NOT_READ else found


def _event(visit: Visit) -> bytes:
    event = {
        "event_id": f"freshness-{visit.request_id}",
        "customer_id": visit.customer_id,
        "product_id": visit.product_id,
        "event_type": "purchase",
        "occurred_at": datetime.now(UTC).isoformat(),
        "request_id": visit.request_id,
    }
    return json.dumps({"events": [event]}).encode()


def figures(outcomes: Sequence[Outcome], options: argparse.Namespace) -> dict[str, Any]:
    """Print the figures as sentences and return them; a purchase that was never seen counts `PATIENCE_SECONDS`."""
    changed = _percentiles([PATIENCE_SECONDS if one.changed is None else one.changed for one in outcomes])
    acknowledged = _percentiles([one.acknowledged for one in outcomes])
    at_once = sum(one.changed is not None and one.answers == 1 for one in outcomes)
    print(
        f"{len(outcomes)} purchases at {options.rate:g} per second and {options.load:g} other lists per second, "
        f"{'Redis' if options.redis else 'SQLite'}, {options.workers} worker(s)\n"
        f"  acknowledged after p50 {acknowledged[50]:.1f} ms, p95 {acknowledged[95]:.1f} ms\n"
        f"  in the lists after p50 {changed[50]:.1f} ms, p95 {changed[95]:.1f} ms, p99 {changed[99]:.1f} ms; "
        f"{at_once} in the first list",
        flush=True,
    )
    return {
        "events": len(outcomes),
        "p50_ms": changed[50],
        "p95_ms": changed[95],
        "p99_ms": changed[99],
        "changed": sum(one.changed is not None for one in outcomes),
        "at_once": at_once,
        "acknowledged_p95_ms": acknowledged[95],
    }


def _percentiles(seconds: Sequence[float]) -> dict[int, float]:
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else 99 * list(seconds)
    return {p: round(cuts[p - 1] * 1e3, 2) for p in (50, 95, 99)}


if __name__ == "__main__":
    main()
