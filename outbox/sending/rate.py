"""Space deliveries evenly over all connections of a process."""

import threading
import time


class Rate:
    """Gives turns to threads, at most `per_second`."""

    def __init__(self, per_second: float):
        self._gap = 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, stop: threading.Event) -> None:
        """Wait for the next turn, or until `stop`."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap
        stop.wait(max(0.0, turn - time.monotonic()))

    def give_back(self) -> None:
        """Return a turn that no message used."""
        with self._lock:
            self._next -= self._gap
