"""Copy a command's output to the task's log, line by line, while the command runs."""

import threading
from collections import deque
from collections.abc import Callable
from typing import IO


class StreamLogger(threading.Thread):
    """Log one stream in a thread while the main thread logs another."""

    def __init__(self, stream: IO[str], log: Callable[..., None]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._log = log
        self.last_lines: list[str] = []

    def run(self) -> None:
        """Log the stream to its end and keep its last lines."""
        self.last_lines = log_stream(self._stream, self._log)


def log_stream(stream: IO[str], log: Callable[..., None]) -> list[str]:
    """Log each line as it arrives; return the last two lines that are not blank."""
    last_lines: deque[str] = deque(maxlen=2)
    for line in stream:
        if text := line.rstrip():
            log("%s", text)
            last_lines.append(text)
    return list(last_lines)
