"""Limit how many requests are answered at once, and estimate how long a new one would queue."""

import asyncio
import time
from collections.abc import Callable
from functools import cache
from types import TracebackType

from serving.config import CONFIG

EMA_WEIGHT = 0.2
"""Weight of the newest interval in the exponential moving average."""

MAX_INTERVAL_S = 0.1
"""Limit of one interval: a pause of the whole machine does not predict the next intervals."""


class ConcurrencyLimiter:
    """Admit a fixed number of requests at once: `async with limiter:` waits for a slot, first come, first served.

    It is the only queue of a request: a request with a slot finds a thread free to read features and one to score. If
    requests queued for the online store, an overload would look like a hanging store.

    The estimated wait follows Little's law: the length of the queue times the mean interval between two admissions
    while requests wait. It holds for any speed of model and machine. A fixed length of the queue would be too short for
    a fast model, or mean seconds of waiting with a slow one.

    Not thread-safe: use it on the event loop.
    """

    def __init__(self, slots: int, clock: Callable[[], float] = time.perf_counter):
        self._free = asyncio.Semaphore(slots)
        self._clock = clock
        self._queued = 0
        self._interval = 0.0
        self._admitted_at = 0.0
        self._left_queue = False

    @property
    def estimated_wait(self) -> float:
        """Return the seconds until a new request would get a slot."""
        return self._queued * self._interval

    async def __aenter__(self) -> None:
        self._queued += 1
        try:
            await self._free.acquire()
        finally:  # also if the request was cancelled
            self._queued -= 1
        now = self._clock()
        if self._left_queue:  # otherwise the interval measures how often requests come, not how fast they are answered
            self._interval += EMA_WEIGHT * (min(now - self._admitted_at, MAX_INTERVAL_S) - self._interval)
        self._admitted_at = now
        self._left_queue = self._queued > 0

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._free.release()


@cache
def concurrency_limiter() -> ConcurrencyLimiter:
    """Return this process's limiter, which the middleware reads and the handlers use."""
    return ConcurrencyLimiter(CONFIG.feature_threads + CONFIG.scoring_threads)
