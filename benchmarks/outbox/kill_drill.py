"""Three planners and a sender that are killed by SIGKILL again and again, against a real SMTP server."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select

from benchmarks.outbox.world import World
from core.clock import utc_now
from outbox.customers.records import Consent, record_consents, suppress
from outbox.store import Store
from outbox.tables import DELIVERED, consents, decisions, messages
from settings import ROOT

PLANNERS = 3
SINK_SECONDS = 0.004
"""How long the server takes before it answers 250, as a near one does."""


class Sink:
    """Keeps message ids and recipients of the e-mails taken."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a message, then wait like a server that writes it to its disk."""
        content: Any = envelope.content
        header = next(line for line in content.split(b"\r\n") if line.lower().startswith(b"message-id:"))
        message_id = header.decode().partition("<")[2].partition("@")[0]
        with self._lock:
            self.received.append((message_id, envelope.rcpt_tos[0]))
        await asyncio.sleep(SINK_SECONDS)
        return "250 2.0.0 OK"


class _AnyPort(Controller):
    """Learns its port before it checks that it answers."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def run_drill(store: Store, url: str, world: World, kills: int, folder: Path, seed: int = 7) -> dict[str, Any]:
    """Run the drill and return its counts.

    Args:
        store: an empty store.
        url: its address, for the processes.
        world: the customers.
        kills: rounds; each kills the sender and one planner at random instants.
        folder: for the programs' output.
        seed: of the instants.
    """
    world.settle_in(store)
    for customer_id in world.ids():
        if world.kind(customer_id) == "listed":
            suppress(store, customer_id, "email", "complaint", world.started)
    sink = Sink()
    controller = _AnyPort(sink, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        began = time.monotonic()
        withdrawn = _Withdrawals(store, world)
        withdrawn.start()
        _kill_and_restart(url, world, kills, folder, controller.port, sink, random.Random(seed))
        withdrawn.join()
        # Then planners and a sender that may finish.
        for planner in [_planner(url, world, folder, number) for number in range(PLANNERS)]:
            assert planner.wait() == 0, (folder / "planner-0.log").read_text()[-2000:]
        last = _sender(url, folder, controller.port)
        assert last.wait() == 0, (folder / "sender.log").read_text()[-2000:]
        return {**findings(store, world, sink.received, kills), "seconds": round(time.monotonic() - began, 1)}
    finally:
        controller.stop()


def findings(store: Store, world: World, received: Sequence[tuple[str, str]], kills: int) -> dict[str, Any]:
    """Compare what the server took with what the store holds and with what was allowed."""
    with store.read() as connection:
        rows = {row["message_id"]: dict(row) for row in connection.execute(select(messages)).mappings()}
        decided = Counter(connection.execute(select(decisions.c.customer_id)).scalars().all())
        refusals = select(consents.c.customer_id, consents.c.since).where(~consents.c.granted)
        withdrawn = dict(connection.execute(refusals).tuples().all())
    per_customer = Counter(address for _, address in received)
    got = [rows[message_id] for message_id, _ in received]
    doubtful = [row for row in rows.values() if row["state"] == "in_doubt"]
    arrived = {message_id for message_id, _ in received}
    kind = {customer_id: world.kind(customer_id) for customer_id in world.ids()}
    delivered = [row for row in rows.values() if row["state"] in DELIVERED]
    late = [r for r in delivered if r["customer_id"] in withdrawn and r["sending_at"] > withdrawn[r["customer_id"]]]
    return {
        "customers": world.customers,
        "kills": kills,
        "planned": len(rows),
        "received": len(received),
        "customers_with_two": sum(count > 1 for count in per_customer.values()),
        "in_doubt": len(doubtful),
        "in_doubt_that_arrived": sum(row["message_id"] in arrived for row in doubtful),
        "without_consent": sum(kind[row["customer_id"]] == "no_consent" for row in got) + len(late),
        "on_suppression_list": sum(kind[row["customer_id"]] == "listed" for row in got),
        "in_quiet_hours": sum(kind[row["customer_id"]] == "asleep" for row in got),
        "over_cap": sum(count > 1 for count in Counter(row["customer_id"] for row in delivered).values()),
        "from_hold_out": sum(world.is_held_out(row["customer_id"], row["campaign_id"]) for row in got),
        "sent_but_not_received": sum(r["state"] == "sent" and r["message_id"] not in arrived for r in rows.values()),
        "received_but_not_known": sum(row["state"] not in ("sent", "in_doubt") for row in got),
        "still_sending": sum(row["state"] == "sending" for row in rows.values()),
        "unsent_without_reason": sum(row["state"] != "sent" and not row["reason"] for row in rows.values()),
        "customers_without_decisions": sum(decided[customer_id] != 2 for customer_id in world.ids()),
        "states": {f"{state}: {reason}": n for (state, reason), n in sorted(_states(rows.values()).items())},
    }


NONE_ALLOWED = (
    *("customers_with_two", "without_consent", "on_suppression_list", "in_quiet_hours", "over_cap", "from_hold_out"),
    *("sent_but_not_received", "received_but_not_known", "still_sending", "unsent_without_reason"),
    "customers_without_decisions",
)


def problems(found: dict[str, Any]) -> list[str]:
    """Return what the drill's counts must not be."""
    wrong = [f"{name}: {found[name]} instead of 0" for name in NONE_ALLOWED if found[name]]
    if found["in_doubt"] > found["kills"]:
        wrong.append(f"in_doubt: {found['in_doubt']} with {found['kills']} kills")
    return wrong


class _Withdrawals(threading.Thread):
    """Withdraws the consents of some customers while messages leave."""

    def __init__(self, store: Store, world: World):
        super().__init__(daemon=True)
        self._store = store
        self._ids = [customer_id for customer_id in world.ids() if world.kind(customer_id) == "withdraws"]

    def run(self) -> None:
        for start in range(0, len(self._ids), 20):
            rows = [Consent(c, "email", "marketing", False, utc_now(), "drill") for c in self._ids[start : start + 20]]
            record_consents(self._store, rows)
            time.sleep(0.5)


def _kill_and_restart(
    url: str, world: World, kills: int, folder: Path, port: int, sink: Sink, draw: random.Random
) -> None:
    planners = [_planner(url, world, folder, number) for number in range(PLANNERS)]
    for _ in range(kills):
        sender = _sender(url, folder, port)
        number = draw.randrange(PLANNERS)
        before = len(sink.received)
        # Once it sends, or has had its time: a sender that finds nothing due ends by itself.
        until = time.monotonic() + 15
        while len(sink.received) == before and sender.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.6))
        for process in (planners[number], sender):
            process.send_signal(signal.SIGKILL)
            process.wait()
        planners[number] = _planner(url, world, folder, number)
    for planner in planners:
        planner.send_signal(signal.SIGKILL)
        planner.wait()


def _planner(url: str, world: World, folder: Path, number: int) -> "subprocess.Popen[bytes]":
    arguments = ["--customers", str(world.customers), "--started", world.started.isoformat(), "--order", str(number)]
    return _start(
        ["benchmarks.outbox", "plan", *arguments], folder / f"planner-{number}.log", {"REACH_OUTBOX_URL": url}
    )


def _sender(url: str, folder: Path, port: int) -> "subprocess.Popen[bytes]":
    settings = {
        "REACH_OUTBOX_URL": url,
        "REACH_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "REACH_SMTP_FROM": "Shop <news@shop.example>",
        "REACH_UNSUBSCRIBE_URL": "https://shop.example/unsubscribe",
        "REACH_UNSUBSCRIBE_KEY": "k" * 48,
        "REACH_SEND_RATE_PER_SECOND": "100000",
    }
    return _start(["outbox", "send"], folder / "sender.log", settings)


def _start(arguments: list[str], log: Path, settings: dict[str, str]) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=ROOT, stdout=output, stderr=output, env={**os.environ, **settings}
        )


def _states(rows: Any) -> Counter[tuple[str, str]]:
    return Counter((row["state"], row["reason"]) for row in rows)
