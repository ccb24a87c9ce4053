"""How often one API key may ask: a token bucket for each."""

import math
import time
from collections.abc import Callable

from serving.errors import RateLimitedError

BURST_S = 2.0
"""A bucket holds what comes in so long: pages that ask for several lists at once are not turned away."""


class TokenBucketLimiter:
    """Not thread-safe: it lives on the event loop. Each worker process counts for itself."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic):
        self._per_second = per_second
        self._most = max(1.0, per_second * BURST_S)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> None:
        """Take one request out of the bucket. Raises RateLimitedError if there is none."""
        now = self._clock()
        tokens, filled_at = self._buckets.get(name, (self._most, now))
        tokens = min(self._most, tokens + (now - filled_at) * self._per_second)
        if tokens < 1.0:
            self._buckets[name] = (tokens, now)
            raise RateLimitedError(
                f"This API key may ask {self._per_second:g} times a second. Wait as long as Retry-After says.",
                retry_after=math.ceil((1.0 - tokens) / self._per_second),
            )
        self._buckets[name] = (tokens - 1.0, now)
