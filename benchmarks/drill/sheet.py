"""The drill's sheet: each fault, what was expected, what happened."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.drill.traffic import Seen


@dataclass
class Sheet:
    """check_times: whether seconds count; on a machine that others use, too, they say nothing."""

    check_times: bool = True
    faults: int = 0
    held: int = 0
    requests: int = 0
    failed: int = 0
    broken: list[str] = field(default_factory=list)

    def note(self, fault: str, expected: str, happened: str, held: bool) -> None:
        self.faults += 1
        self.held += held
        if not held:
            self.broken.append(fault)
        print(
            f"{'held' if held else 'DIFFERS':8}{fault}\n        expected: {expected}\n        happened: {happened}",
            flush=True,
        )

    def in_time(self, seconds: float, limit: float) -> bool:
        return seconds <= limit or not self.check_times

    def count(self, seen: Seen) -> None:
        """Add a service's whole load, what lay between the faults included."""
        print(f"        all the while: {seen.story()}", flush=True)
        self.requests += seen.requests
        self.failed += len(seen.failures)

    def last_line(self) -> str:
        figures = {"faults": self.faults, "held": self.held, "requests": self.requests, "failed": self.failed}
        return json.dumps(figures)


def until(condition: Callable[[], bool], seconds: float = 120.0) -> float:
    """Seconds until it holds. Raises TimeoutError."""
    started = time.perf_counter()
    while not condition():
        if time.perf_counter() - started > seconds:
            raise TimeoutError(f"waited {seconds:g} s in vain")
        time.sleep(0.01)
    return time.perf_counter() - started
