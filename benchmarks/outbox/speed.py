"""Measure how long planning and sending of many messages take, and how much memory they need."""

import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.outbox.world import World
from core.clock import utc_now
from outbox.channels.channel import Accepted, Outcome, Outgoing
from outbox.customers.unsubscribe import UnsubscribeLinks
from outbox.plan import ClassPolicy, ContactPolicy, Decision, Plan
from outbox.planning import enqueue
from outbox.sending.sender import Limits, Sender
from outbox.store import open_store

SENT = 5_000
"""Messages that are sent: enough for a rate."""


class _Accepting:
    """A channel at no cost, so that the store's own cost is measured."""

    def __init__(self, stop_after: int):
        self.count = 0
        self.sender: Sender | None = None
        self._stop_after = stop_after

    def deliver(self, _outgoing: Outgoing) -> Outcome:
        """Take a message."""
        self.count += 1
        if self.count == self._stop_after and self.sender is not None:
            self.sender.stop()
        return Accepted("250")

    def close(self) -> None:
        """Do nothing."""


def measure(url: str, count: int) -> dict[str, Any]:
    """Plan `count` messages, plan them again, and send some of these.

    Returns:
        Seconds of planning and of planning again, messages per second of sending, and the peak memory in MiB before
        and after.
    """
    store = open_store(url)
    world = World(count, utc_now())
    print("consents and addresses …", flush=True)
    world.settle_in(store)
    before = _peak_mib()
    found: dict[str, Any] = {"messages": count, "peak_mib_before": before}
    for name in ("plan_seconds", "plan_again_seconds"):
        began = time.monotonic()
        enqueued = enqueue(store, _one_plan(world))
        found[name] = round(time.monotonic() - began, 1)
        print(f"{name}: {found[name]}, {enqueued}", flush=True)
    found["peak_mib_after_planning"] = _peak_mib()
    channel = _Accepting(min(SENT, count // 2))
    links = UnsubscribeLinks("https://shop.example/unsubscribe", "k" * 48)
    channel.sender = Sender(store, {"smtp": lambda: channel}, links, Limits(1, 1e9))
    began = time.monotonic()
    channel.sender.run()
    found["sent_per_second"] = round(channel.count / (time.monotonic() - began))
    found["peak_mib_after_sending"] = _peak_mib()
    store.close()
    return found


def _one_plan(world: World) -> Plan:
    policy = ContactPolicy({"promotion": ClassPolicy(cap_per_day=1)}, "UTC")
    return Plan("speed", "spring", "1", {}, world.started, world.started, policy, _Decisions(world))


@dataclass(frozen=True)
class _Decisions:
    world: World

    def __iter__(self) -> Iterator[Decision]:
        for number in range(self.world.customers):
            yield self.world.decision(f"customer-{number:06d}", "spring", 0)


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
