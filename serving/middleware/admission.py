"""The places at which requests are answered, and how long one that came now would wait for one of them."""

import asyncio
import time
from collections.abc import Callable
from functools import cache
from types import TracebackType

from serving.config import CONFIG

EMA_WEIGHT = 0.2
"""Of the newest interval in the running mean."""

MAX_INTERVAL_S = 0.1
"""Seconds that one interval counts at most: a pause of the whole machine is no measure of what comes next."""


class ConcurrencyLimiter:
    """`async with places:` waits for a place, first come, first served. Not thread-safe: it lives on the event loop.

    The only queue of a request: who has a place finds a thread free to read features and one to score. If requests
    queued for the online store, an overload would look like a store that hangs, and lists would lose their customers.

    The expected wait is Little's law: how many wait, times the mean interval at which places are taken while some
    wait. It holds for any speed of model and machine, where a fixed length of the queue is either too short for a
    fast model or means seconds of waiting with a slow one.
    """

    def __init__(self, count: int, clock: Callable[[], float] = time.perf_counter):
        self._free = asyncio.Semaphore(count)
        self._clock = clock
        self._waiting = 0
        self._interval = 0.0
        self._taken_at = 0.0
        self._left_some = False

    @property
    def estimated_wait(self) -> float:
        """Seconds until a request that came now would have a place."""
        return self._waiting * self._interval

    async def __aenter__(self) -> None:
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:  # also if it was given up
            self._waiting -= 1
        now = self._clock()
        if self._left_some:  # else the interval tells when requests come, not how fast they are answered
            self._interval += EMA_WEIGHT * (min(now - self._taken_at, MAX_INTERVAL_S) - self._interval)
        self._taken_at = now
        self._left_some = self._waiting > 0

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._free.release()


@cache
def concurrency_limiter() -> ConcurrencyLimiter:
    """This process' places: the door asks how full they are, the answers take them."""
    return ConcurrencyLimiter(CONFIG.feature_threads + CONFIG.scoring_threads)
