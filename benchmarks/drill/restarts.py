"""Kill workers, terminate workers, and terminate the service."""

import os
import signal
import threading
import time
from collections.abc import Sequence

import httpx

from benchmarks.drill.fault_report import FaultReport, until
from benchmarks.drill.sandbox import Served
from benchmarks.drill.traffic import Traffic

RESTARTS = {"kill -9 of a worker": signal.SIGKILL, "SIGTERM to a worker": signal.SIGTERM}
CONCURRENT_REQUESTS = 8


def drill_worker(served: Served, traffic: Traffic, report: FaultReport, restarts: Sequence[str]) -> None:
    """Kill or terminate a worker; another one replaces it."""
    many = len(served.workers())
    for fault in restarts:
        before = set(served.workers())
        with traffic.watch(1.0) as seen:
            os.kill(min(before), RESTARTS[fault])
            took = until(lambda before=before: _replaced(served, before, many))  # type: ignore[misc]
        report.note(
            f"{fault}, of {many}",
            "no failed request; requests on its connections are sent again, the others wait or go to another worker",
            f"{seen.summary()}; the slowest took {max(seen.seconds):.1f} s; all workers back after {took:.1f} s",
            not seen.failures,
        )


def _replaced(served: Served, before: set[int], many: int) -> bool:
    now = set(served.workers())
    return now != before and len(now) == many and served.readiness()[0] == 200


def drill_sigterm(served: Served, customer_id: str, report: FaultReport) -> None:
    """Terminate the service while it answers requests; it does not start again."""
    clients = [httpx.Client(base_url=f"http://127.0.0.1:{served.port}", timeout=60) for _ in range(CONCURRENT_REQUESTS)]
    statuses: list[int] = []

    def post(client: httpx.Client) -> None:
        try:
            statuses.append(client.post("/recommend", json={"customer_id": customer_id, "k": 100}).status_code)
        except httpx.TransportError:
            statuses.append(0)

    for client in clients:
        post(client)  # opens the connection
    statuses.clear()
    threads = [threading.Thread(target=post, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    until(lambda: len(statuses) > 0)
    under_way = CONCURRENT_REQUESTS - len(statuses)
    started = time.perf_counter()
    served.stop()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    code = served.service.process.wait(60)
    took = time.perf_counter() - started
    report.note(
        "SIGTERM to the service",
        "what is under way is finished; the process ends",
        f"{under_way} under way, statuses {sorted(statuses)}; ended with {code} after {took:.1f} s",
        set(statuses) == {200},
    )
