"""Per-stage timings of a request.

Code calls `mark(stage)` when a stage ends. Timings are recorded inside `record_timings()` only, so that a batch run
pays one context-variable lookup per mark.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STAGES = ("customer", "tower", "retrieval", "features", "ranker", "rules")
"""The stages of scoring one customer, in order. `rules` is sorting, business rules, names and explanations."""


class StageTimings:
    """The timings of one request.

    Attributes:
        seconds: By stage, wall-clock time since the previous stage ended.
        candidates: How many candidates were ranked.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.candidates = 0
        self.last = time.perf_counter()


_listening: ContextVar[StageTimings | None] = ContextVar("stopwatch", default=None)


@contextmanager
def record_timings() -> Iterator[StageTimings]:
    """Record the stages that this thread marks inside the block."""
    stopwatch = StageTimings()
    token = _listening.set(stopwatch)
    try:
        yield stopwatch
    finally:
        _listening.reset(token)


def mark(stage: str, candidates: int = 0) -> None:
    """Record that a stage has ended, and how many `candidates` went through it."""
    stopwatch = _listening.get()
    if stopwatch is not None:
        now = time.perf_counter()
        stopwatch.seconds[stage] = stopwatch.seconds.get(stage, 0.0) + now - stopwatch.last
        stopwatch.candidates += candidates
        stopwatch.last = now
