"""Slow down the guessing of passwords: a name that failed too often has to wait."""

import time
from collections import OrderedDict, deque

from console.errors import BusyError

MAX_FAILURES = 5
WINDOW_SECONDS = 60.0
MAX_NAMES = 1_000
"""Names that are kept; the one that failed longest ago is dropped first."""


class LoginAttempts:
    """Count the failed logins per name within a minute."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def require_patience(self, name: str) -> None:
        """Raise BusyError if the name has failed too often within the window."""
        failures = self._failures.get(name)
        if failures is None:
            return
        now = time.monotonic()
        while failures and now - failures[0] > WINDOW_SECONDS:
            failures.popleft()
        if len(failures) >= MAX_FAILURES:
            raise BusyError(f"Too many failed logins for this name. Wait {WINDOW_SECONDS:.0f} seconds, then try again.")

    def add_failure(self, name: str) -> None:
        """Count one failed login."""
        self._failures.setdefault(name, deque(maxlen=MAX_FAILURES)).append(time.monotonic())
        self._failures.move_to_end(name)
        while len(self._failures) > MAX_NAMES:
            self._failures.popitem(last=False)
