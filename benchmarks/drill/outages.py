"""Let the online store fail under load (killed, hung, empty, stale), and overload the service."""

import time
from collections.abc import Sequence

import uvloop

from benchmarks.drill.fault_report import FaultReport, until
from benchmarks.drill.sandbox import Served
from benchmarks.drill.stores import StoreFault
from benchmarks.drill.traffic import CUSTOMER_MARKS, NO_FALLBACK, Traffic, TrafficStats
from benchmarks.serving.overload import FALLBACK, GOODPUT, RECOVERY_SECONDS, Load, check

MAX_ADDED_P99_MS = 50.0
MIN_PERSONAL_SHARE = 0.8
"""Share of lists that must stay personal; all customers of the load were served before."""

SLOW_READ_MARKS = {"features_unavailable", "cached_features"}
"""Fallbacks of reads that time out, which can happen on a busy machine."""

RECOVERY_LIMIT_S = 10.0
"""Limit of the recovery: the service retries the store every five seconds, and its answers take some time."""


def drill_outages(
    served: Served, traffic: Traffic, report: FaultReport, faults: Sequence[StoreFault], seconds: float
) -> None:
    """Inject each fault for `seconds`, after a reference period of the same length."""
    for fault in faults:
        with traffic.watch(0.5) as usual:
            time.sleep(seconds)
        with traffic.watch(0.5) as seen:
            fault.inject()
            time.sleep(seconds)
        fault.recover()
        recovered_s = until(lambda: _is_personal(traffic))
        later = seen.p99_ms() - usual.p99_ms()
        allowed = (
            fault.marks | CUSTOMER_MARKS | {NO_FALLBACK}
        )  # answers before the fault, and customers without a history
        if not report.check_times:
            allowed |= SLOW_READ_MARKS
        kept = seen.requests - seen.marks["features_unavailable"] - seen.marks["unknown_customer"]
        report.note(
            fault.name,
            f"marked lists, personal if possible, at most {MAX_ADDED_P99_MS:g} ms later, no 5xx; recovers by itself",
            f"{seen.summary()}; {kept / max(seen.requests, 1):.0%} personal; 99% within {seen.p99_ms():.0f} ms "
            f"(before: {usual.p99_ms():.0f} ms); all as before after {recovered_s:.1f} s",
            not seen.failures
            and set(seen.marks) <= allowed
            and seen.degraded_share() > 0.5
            and kept > seen.requests * MIN_PERSONAL_SHARE
            and report.in_time(later, MAX_ADDED_P99_MS)
            and report.in_time(recovered_s, RECOVERY_LIMIT_S),
        )


def drill_overload(served: Served, customers: Sequence[str], report: FaultReport, seconds: float) -> None:
    """Run benchmarks/serving/overload.py without other load, because it measures the whole capacity of the service."""
    figures = uvloop.run(check(Load(served.port, customers, None), seconds))
    statuses = figures["statuses"]
    assert isinstance(statuses, dict)
    orderly = set(statuses) <= {200, 429, FALLBACK} and not figures["without_retry_after"]
    report.note(
        "ten times the load",
        f"429 with Retry-After, or the list; goodput above {GOODPUT:.0%} of the capacity next to as many refusals; "
        f"recovery within {RECOVERY_SECONDS:g} s",
        ", ".join(f"{name} {value}" for name, value in figures.items()),
        orderly and (not figures["wrong"] or not report.check_times),
    )


def _is_personal(traffic: Traffic) -> bool:
    with traffic.watch() as seen:
        _wait_for(seen, 20)
    return seen.degraded_share() == 0.0


def _wait_for(seen: TrafficStats, requests: int) -> None:
    until(lambda: seen.requests >= requests)
