"""Stop asking a service that fails, and try again after a pause."""

import time
from collections.abc import Callable


class CircuitBreaker:
    """Open after several failures in a row; while open, allow one attempt per pause.

    Not thread-safe: use it on the event loop.
    """

    def __init__(self, failures: int, pause_seconds: float, clock: Callable[[], float] = time.monotonic):
        self._max_failures = failures
        self._pause = pause_seconds
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Return whether attempts are being stopped."""
        return self._failures >= self._max_failures

    def allows(self) -> bool:
        """Return whether an attempt may be made now. While open, one caller per pause gets True."""
        if not self.is_open:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + self._pause
        return True

    def succeeded(self) -> None:
        """Close the circuit."""
        self._failures = 0

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        if self.is_open:
            self._retry_at = self._clock() + self._pause
