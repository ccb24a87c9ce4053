"""Acknowledge events and kill the workers right after."""

import os
import signal
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from benchmarks.drill.fault_report import FaultReport, until
from benchmarks.drill.sandbox import Served
from benchmarks.drill.traffic import CLIENTS, Traffic

BATCH = 20
CUSTOMER = "drill: who acts"
"""Not a customer of the load, because events change a customer's lists."""


def drill_events(served: Served, traffic: Traffic, product_id: str, report: FaultReport, kills: int) -> None:
    """Kill every worker as soon as a batch is acknowledged; each event must be stored."""
    acknowledged: list[list[dict[str, Any]]] = []
    with traffic.watch(0.5) as seen:
        for kill in range(kills):
            answered = seen.requests
            # A client retries a request once, so it must have its answer before the next kill.
            until(lambda answered=answered: seen.requests >= answered + 2 * CLIENTS)  # type: ignore[misc]
            for number in range(3):
                batch = [_event(f"drill-{kill}-{number}-{index}", product_id) for index in range(BATCH)]
                _send(served, batch)
                acknowledged.append(batch)
            before = served.workers()
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            until(lambda before=before: _is_back(served, before))  # type: ignore[misc]
    again = [_send(served, batch) for batch in acknowledged]
    lost = sum(answer["accepted"] for answer in again)
    report.note(
        f"kill -9 right after acknowledged events, {kills} times",
        "no acknowledged event is lost, none counts twice",
        f"{len(acknowledged) * BATCH} events acknowledged; sent again, {lost} were new; load: {seen.summary()}",
        lost == 0 and not seen.failures,
    )


def _event(event_id: str, product_id: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return {
        "event_id": f"{event_id}-{time.time_ns()}",
        "customer_id": CUSTOMER,
        "product_id": product_id,
        "event_type": "purchase",
        "occurred_at": now,
        "quantity": 1,
    }


def _send(served: Served, batch: list[dict[str, Any]]) -> dict[str, int]:
    answer = httpx.post(f"http://127.0.0.1:{served.port}/events", json={"events": batch}, timeout=60)
    found: dict[str, int] = answer.raise_for_status().json()
    return found


def _is_back(served: Served, before: list[int]) -> bool:
    return bool(served.workers()) and not set(before) & set(served.workers()) and served.readiness()[0] == 200
