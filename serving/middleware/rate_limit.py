"""Limit the requests per second of each API key."""

import math
import time
from collections.abc import Callable

from serving.errors import RateLimitedError

BURST_S = 2.0
"""Capacity of a bucket, in seconds of its rate: a page may request several lists at once."""


class TokenBucketLimiter:
    """Keep one token bucket per API key. Each worker process counts separately.

    Not thread-safe: use it on the event loop.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic):
        self._per_second = per_second
        self._capacity = max(1.0, per_second * BURST_S)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> None:
        """Take one token from a key's bucket.

        Raises:
            RateLimitedError: The bucket is empty.
        """
        now = self._clock()
        tokens, filled_at = self._buckets.get(name, (self._capacity, now))
        tokens = min(self._capacity, tokens + (now - filled_at) * self._per_second)
        if tokens < 1.0:
            self._buckets[name] = (tokens, now)
            raise RateLimitedError(
                f"This API key may send requests {self._per_second:g} times a second. Wait for as long as Retry-After.",
                retry_after=math.ceil((1.0 - tokens) / self._per_second),
            )
        self._buckets[name] = (tokens - 1.0, now)
