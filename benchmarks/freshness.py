"""How long after a purchase the lists know of it, on the real service, while others ask.

`make bench-events` copies the installation of REACH_DATA, serves the copy, and lets customers of the published features
buy what tops their `explore` list. Purchases come as a Poisson process; each is posted to `/events` on a connection of
its own, and `/recommend` is asked on another one, again and again until the product has left the list. Times count from
the instant at which the customer would have bought (benchmarks/open_loop.py). Nothing is written to the installation.
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
from benchmarks.open_loop import Client, offer
from benchmarks.serving import known_customers
from registry.champion_alias import Registry
from settings import Settings, load_settings

K = 10
PATIENCE_SECONDS = 10.0
AGAIN = ("429", "503")
"""Answers after which the same event is to be sent again."""
PAUSE_SECONDS = 0.01
"""Before a till sends again, and before a list is asked for again."""
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
"""As in docker-compose.yml: what Redis acknowledges is on the disk."""


@dataclass(frozen=True)
class Visit:
    """A customer who will buy a product of the list that was shown."""

    customer_id: str
    product_id: str
    request_id: str


@dataclass(frozen=True)
class Outcome:
    """Seconds from the purchase to its acknowledgement and to the first list without the product (None: never seen);
    answers: lists asked for until then."""

    acknowledged: float
    changed: float | None
    answers: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.freshness", description=__doc__)
    parser.add_argument("--events", type=int, default=600, help="purchases, one a customer (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=20.0, help="purchases a second (default: %(default)s)")
    parser.add_argument("--load", type=float, default=50.0, help="lists others ask for a second (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service (default: %(default)s)")
    parser.add_argument("--redis", action="store_true", help="on a Redis server started for this, instead of SQLite")
    options = parser.parse_args()
    settings = load_settings()
    if Registry(settings.paths.release).alias() is None:
        sys.exit(f"error: {settings.data} has no champion to ask. Run 'make demo' first.")
    with TemporaryDirectory(dir=settings.data, prefix="freshness-") as folder:
        result = measure(settings, Path(folder), options)
    print(json.dumps(result))


def measure(settings: Settings, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Serve a copy and let customers buy. Prints a line for people; returns the figures of the last line."""
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
    """A copy, with its events beside its online store."""
    sandbox = Sandbox.of(settings, folder)
    if not on_redis:
        yield sandbox
        return
    with RedisServer.running(folder / "redis", *DURABLE) as server:
        yield sandbox.on_redis(server.address)


async def look(port: int, customers: Sequence[str]) -> list[Visit]:
    """What each customer would buy. Those of whom the service knows nothing, or too little for a list, do not buy."""
    client, visits = Client(port, "/recommend"), []
    for customer_id in customers:
        answer = await _explore(client, customer_id)
        if answer is not None and answer["items"]:
            visits.append(Visit(customer_id, answer["items"][0]["product_id"], answer["request_id"]))
    client.close()
    if not visits:
        sys.exit("error: no customer of the published features gets a personal list.")
    return visits


async def buy(port: int, visits: Sequence[Visit], rate: float, seed: int) -> list[Outcome]:
    """One purchase a visit, at its time whether or not the earlier ones are through."""
    pick, due, tasks = random.Random(seed), time.perf_counter() + 0.1, []
    for visit in visits:
        due += pick.expovariate(rate)
        tasks.append(asyncio.create_task(_purchase(port, visit, due)))
    return await asyncio.gather(*tasks)


async def _purchase(port: int, visit: Visit, due: float) -> Outcome:
    await asyncio.sleep(max(due - time.perf_counter(), 0.0))
    till, shop, event = Client(port, "/events"), Client(port, "/recommend"), _event(visit)
    status, answer = await till.post(event)
    while status in AGAIN and time.perf_counter() - due < PATIENCE_SECONDS:
        await asyncio.sleep(PAUSE_SECONDS)
        status, answer = await till.post(event)
    if status != "200":
        raise RuntimeError(f"A purchase was answered with {status}: {answer.decode(errors='replace')[:300]}")
    acknowledged, answers = time.perf_counter() - due, 0
    changed = None
    while changed is None and time.perf_counter() - due < PATIENCE_SECONDS:
        found = await _explore(shop, visit.customer_id)
        answers += 1
        if found is not None and all(item["product_id"] != visit.product_id for item in found["items"]):
            changed = time.perf_counter() - due
        else:
            await asyncio.sleep(PAUSE_SECONDS)
    till.close()
    shop.close()
    return Outcome(acknowledged, changed, answers)


async def _explore(client: Client, customer_id: str) -> dict[str, Any] | None:
    """The customer's answer; None if it is no answer, or one that knows nothing of the customer."""
    body = json.dumps({"customer_id": customer_id, "slate": "explore", "k": K}).encode()
    status, text = await client.post(body)
    if status != "200":
        return None
    answer: dict[str, Any] = json.loads(text)
    return None if answer["fallback"] in IMPERSONAL else answer


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
    """The last line. A purchase that was never seen counts as slow as the patience was long."""
    changed = _percentiles([PATIENCE_SECONDS if one.changed is None else one.changed for one in outcomes])
    acknowledged = _percentiles([one.acknowledged for one in outcomes])
    at_once = sum(one.changed is not None and one.answers == 1 for one in outcomes)
    print(
        f"{len(outcomes)} purchases at {options.rate:g} a second beside {options.load:g} lists a second, "
        f"{'Redis' if options.redis else 'SQLite'}, {options.workers} worker(s)\n"
        f"  acknowledged after p50 {acknowledged[50]:.1f} ms, p95 {acknowledged[95]:.1f} ms\n"
        f"  in the lists after p50 {changed[50]:.1f} ms, p95 {changed[95]:.1f} ms, p99 {changed[99]:.1f} ms; "
        f"{at_once} in the first list asked for",
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
