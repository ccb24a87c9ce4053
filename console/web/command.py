"""Describe one command that a page has started."""

import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.clock import utc_now

KEPT_LINES = 200


@dataclass
class Command:
    """Describe one command.

    Attributes:
        title: what it does, for people.
        owner: the user who started it, and the only one who sees it.
        next_path: the page that shows the result; None if the result is shown where it was started.
        result_part: the address of a part of a page that shows the result where it was started; None for the lines.
        started_at: naive UTC.
        lines: the last lines that it printed.
        exit_code: None while it runs.
        result: what it returned.
        problem: why it failed, as a sentence.
    """

    title: str
    owner: str
    next_path: str | None
    command_id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    started_at: datetime = field(default_factory=utc_now)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    exit_code: int | None = None
    result_part: str | None = None
    result: Any = None
    problem: str | None = None

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self.exit_code is None

    @property
    def seconds(self) -> int:
        """Return how long ago it was started."""
        return int((utc_now() - self.started_at).total_seconds())
