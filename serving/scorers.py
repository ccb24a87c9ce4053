"""The threads that score, and how long a request that came now would wait for one of them."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from serving.limits import LIMITS

T = TypeVar("T")

WEIGHT = 0.2
"""Of the newest interval in the running mean."""

LONGEST = 0.1
"""Seconds that one interval counts at most: a pause of the whole machine is no measure of what comes next."""


class Scorers:
    """Threads behind one queue, first come, first served.

    The expected wait is Little's law: how many wait, times the mean interval at which work is taken up while some
    waits. It holds for any speed of model and machine, where a fixed number of places is either too short for a fast
    model or means seconds of waiting with a slow one.
    """

    def __init__(self, threads: int, clock: Callable[[], float] = time.perf_counter):
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scoring")
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._interval = 0.0
        self._started_at = 0.0
        self._left_some = False

    @property
    def expected_wait(self) -> float:
        """Seconds until a thread would take up a request that came now."""
        return self._waiting * self._interval

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, or raises, on one of the threads."""
        with self._lock:
            self._waiting += 1
        job = self._pool.submit(self._take_up, work)
        job.add_done_callback(self._forget)
        return await asyncio.wrap_future(job)

    def _take_up(self, work: Callable[[], T]) -> T:
        with self._lock:
            now = self._clock()
            self._waiting -= 1
            if self._left_some:  # else the interval tells when requests come, not how fast they are answered
                self._interval += WEIGHT * (min(now - self._started_at, LONGEST) - self._interval)
            self._started_at = now
            self._left_some = self._waiting > 0
        return work()

    def _forget(self, job: "Future[T]") -> None:
        """A request that was given up while it waited is taken up by nobody."""
        if job.cancelled():
            with self._lock:
                self._waiting -= 1


@cache
def scorers() -> Scorers:
    """This process' threads: the door asks how busy they are, the answers use them."""
    return Scorers(LIMITS.scoring_threads)
