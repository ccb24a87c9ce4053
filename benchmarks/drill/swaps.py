"""Model swaps, roll-backs, a materialisation and a registry write, while customers ask."""

from itertools import cycle, islice

from benchmarks.drill.sandbox import Sandbox, Served
from benchmarks.drill.sheet import Sheet, until
from benchmarks.drill.traffic import Traffic

BY = "drill"

LATE_READS = 0.05
"""A read that misses its 40 ms, because the machine is busy, is no fault of materialisation's."""


def drill_swaps(
    sandbox: Sandbox, served: Served, traffic: Traffic, sheet: Sheet, versions: list[str], swaps: int, rollbacks: int
) -> None:
    """`versions`: sound ones to swap in turn; the first one serves now."""
    with traffic.watch(0.5) as seen:
        for version in islice(cycle([*versions[1:], versions[0]]), swaps):
            sandbox.registry.deploy(version, None, "drill", BY)
            until(lambda version=version: served.readiness()[1].get("version") == version)  # type: ignore[misc]
    held = not seen.failures and len(seen.versions) == len(set(versions))
    sheet.note(
        f"{swaps} model swaps under load",
        "no failed request; each answer is the list of the version that it names",
        f"{seen.story()}; versions seen: {dict(sorted(seen.versions.items()))}",
        held,
    )

    slowest = 0.0
    with traffic.watch(0.5) as seen:
        for _ in range(rollbacks):
            previous = sandbox.registry.alias().previous  # type: ignore[union-attr]
            until(lambda previous=previous: served.readiness()[1].get("standby_version") == previous)  # type: ignore[misc]
            version = sandbox.registry.rollback("drill", BY).version
            took = until(lambda version=version: served.readiness()[1].get("version") == version)  # type: ignore[misc]
            slowest = max(slowest, took)
    sheet.note(
        f"{rollbacks} roll-backs under load",
        "each takes effect under a second; no failed request",
        f"the slowest took {slowest:.2f} s; {seen.story()}",
        not seen.failures and sheet.in_time(slowest, 1.0),
    )


def drill_features(sandbox: Sandbox, traffic: Traffic, sheet: Sheet) -> None:
    for fault, act in (("a materialisation", sandbox.rebuild_online), ("a registry write", sandbox.apply)):
        with traffic.watch(0.5) as seen:
            act()
        sheet.note(
            f"{fault} under load",
            "no failed request, the store is read all the time",
            seen.story(),
            not seen.failures and seen.troubled() < LATE_READS,
        )
