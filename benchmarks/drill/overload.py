"""Ten times the load that the service can carry."""

from collections.abc import Sequence

import uvloop

from benchmarks.drill.sandbox import Served
from benchmarks.drill.sheet import Sheet
from benchmarks.overload import FALLBACK, GOODPUT, RECOVERY_SECONDS, Load, check


def drill_overload(served: Served, customers: Sequence[str], sheet: Sheet, seconds: float) -> None:
    """benchmarks/overload.py, whose load comes on top of nothing: the capacity must be the service's whole."""
    figures = uvloop.run(check(Load(served.port, customers, None), seconds))
    statuses = figures["statuses"]
    assert isinstance(statuses, dict)
    orderly = set(statuses) <= {200, 429, FALLBACK} and not figures["without_retry_after"]
    sheet.note(
        "ten times the load",
        f"429 with Retry-After, or the list; goodput above {GOODPUT:.0%} of the capacity beside as many refusals, as "
        f"before within {RECOVERY_SECONDS:g} s",
        ", ".join(f"{name} {value}" for name, value in figures.items()),
        orderly and (not figures["wrong"] or not sheet.check_times),
    )
