"""A breaker: after several failures in a row it stops asking for a while, then lets one try."""

import time
from collections.abc import Callable


class CircuitBreaker:
    """Not thread-safe: it lives on the event loop."""

    def __init__(self, failures: int, pause_seconds: float, clock: Callable[[], float] = time.monotonic):
        self._allowed = failures
        self._pause = pause_seconds
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= self._allowed

    def allows(self) -> bool:
        """Whether to ask now. While open, one caller a pause is let through to find out."""
        if not self.is_open:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + self._pause
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self.is_open:
            self._retry_at = self._clock() + self._pause
