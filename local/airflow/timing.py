"""How long each stage took, and the most memory all processes held together."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from local.processes import memory, processes_of

SECONDS_BETWEEN_LOOKS = 3.0
GIB = 1024**3


class Stages:
    """Names and seconds of the stages, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began

    def lines(self) -> list[str]:
        rows = [*self.seconds.items(), ("in all", sum(self.seconds.values()))]
        return [f"  {name:<28} {seconds:7.1f} s" for name, seconds in rows]


class MemoryWatch:
    """Looks every three seconds at what this program and all programs of a data directory hold.

    A process whose memory rises and falls between two looks escapes it; training holds its for minutes.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        ended = False
        while not ended:
            self.peak = max(self.peak, memory([psutil.Process(), *processes_of(self._data)]))
            ended = self._stop.wait(SECONDS_BETWEEN_LOOKS)
