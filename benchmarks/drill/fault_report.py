"""Report each fault of the drill: what was expected, and what happened."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.drill.traffic import TrafficStats


@dataclass
class FaultReport:
    """Print and count each fault: expected and observed effect.

    Attributes:
        check_times: Whether durations count; on a shared machine they are not meaningful.
        faults: Number of faults so far.
        held: Number of faults with the expected effect.
        requests: Number of requests of all loads.
        failed: Number of failed requests.
        broken: Names of the faults whose effect differed.
    """

    check_times: bool = True
    faults: int = 0
    held: int = 0
    requests: int = 0
    failed: int = 0
    broken: list[str] = field(default_factory=list)

    def note(self, fault: str, expected: str, happened: str, held: bool) -> None:
        """Print and count one fault."""
        self.faults += 1
        self.held += held
        if not held:
            self.broken.append(fault)
        print(
            f"{'held' if held else 'DIFFERS':8}{fault}\n        expected: {expected}\n        happened: {happened}",
            flush=True,
        )

    def in_time(self, seconds: float, limit: float) -> bool:
        """Return whether `seconds` is within the limit; always true if durations do not count."""
        return seconds <= limit or not self.check_times

    def count(self, seen: TrafficStats) -> None:
        """Add a service's whole load, including the requests between faults."""
        print(f"        whole load: {seen.summary()}", flush=True)
        self.requests += seen.requests
        self.failed += len(seen.failures)

    def last_line(self) -> str:
        """Return the figures as JSON."""
        figures = {"faults": self.faults, "held": self.held, "requests": self.requests, "failed": self.failed}
        return json.dumps(figures)


def until(condition: Callable[[], bool], seconds: float = 120.0) -> float:
    """Wait until a condition holds.

    Returns:
        Seconds waited.

    Raises:
        TimeoutError: The condition does not hold after `seconds`.
    """
    started = time.perf_counter()
    while not condition():
        if time.perf_counter() - started > seconds:
            raise TimeoutError(f"The condition did not hold within {seconds:g} s.")
        time.sleep(0.01)
    return time.perf_counter() - started
