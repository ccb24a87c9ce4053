"""An online store that is killed, hung, empty or stale, while customers ask."""

import time
from collections.abc import Sequence

from benchmarks.drill.sandbox import Served
from benchmarks.drill.sheet import Sheet, until
from benchmarks.drill.stores import StoreFault
from benchmarks.drill.traffic import NEWCOMERS, PERSONAL, Seen, Traffic

LATER_MS = 50.0
KEPT = 0.8
"""Share of lists that must stay personal, of customers who all were here before."""

LATE = {"features_unavailable", "cached_features"}
"""How lists are marked if a read takes too long, as any may on a busy machine."""

SECONDS_TO_MEND = 10.0
"""The store is asked again every five seconds; some time for the answers to come."""


def drill_outages(served: Served, traffic: Traffic, sheet: Sheet, faults: Sequence[StoreFault], seconds: float) -> None:
    """Each fault for so long, and as long again of peace before it to compare with."""
    for fault in faults:
        with traffic.watch(0.5) as usual:
            time.sleep(seconds)
        with traffic.watch(0.5) as seen:
            fault.strike()
            time.sleep(seconds)
        fault.mend()
        mended = until(lambda: _is_personal(traffic))
        later = seen.p99_ms() - usual.p99_ms()
        allowed = fault.marks | NEWCOMERS | {PERSONAL}  # those answered before it struck, and those without a history
        if not sheet.check_times:
            allowed |= LATE
        kept = seen.requests - seen.marks["features_unavailable"] - seen.marks["unknown_customer"]
        sheet.note(
            fault.name,
            f"marked lists, personal if possible, at most {LATER_MS:g} ms later, no 5xx; as before by itself",
            f"{seen.story()}; {kept / max(seen.requests, 1):.0%} personal; 99% within {seen.p99_ms():.0f} ms "
            f"(before: {usual.p99_ms():.0f} ms); all as before after {mended:.1f} s",
            not seen.failures
            and set(seen.marks) <= allowed
            and seen.troubled() > 0.5
            and kept > seen.requests * KEPT
            and sheet.in_time(later, LATER_MS)
            and sheet.in_time(mended, SECONDS_TO_MEND),
        )


def _is_personal(traffic: Traffic) -> bool:
    with traffic.watch() as seen:
        _wait_for(seen, 20)
    return seen.troubled() == 0.0


def _wait_for(seen: Seen, requests: int) -> None:
    until(lambda: seen.requests >= requests)
