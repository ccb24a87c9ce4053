"""Where a request's time goes: code on its way says which stage has ended; whoever wants to know listens.

Nobody listens in batch: then a lap costs the look at one variable.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STAGES = ("customer", "tower", "retrieval", "features", "ranker", "rules")
"""The stages of scoring one customer, in their order. `rules`: sorting, rules, names and reasons."""


class StageTimings:
    """seconds: by stage, wall-clock time since the stage before ended. candidates: how many were ranked."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.candidates = 0
        self.last = time.perf_counter()


_listening: ContextVar[StageTimings | None] = ContextVar("stopwatch", default=None)


@contextmanager
def record_timings() -> Iterator[StageTimings]:
    """Watches what is done inside, on this thread."""
    stopwatch = StageTimings()
    token = _listening.set(stopwatch)
    try:
        yield stopwatch
    finally:
        _listening.reset(token)


def mark(stage: str, candidates: int = 0) -> None:
    """The stage has ended; `candidates`: so many went through it."""
    stopwatch = _listening.get()
    if stopwatch is not None:
        now = time.perf_counter()
        stopwatch.seconds[stage] = stopwatch.seconds.get(stage, 0.0) + now - stopwatch.last
        stopwatch.candidates += candidates
        stopwatch.last = now
