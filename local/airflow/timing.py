"""Duration and processor time of each stage, and peak memory of all processes together."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from local.processes import memory, processes_of, processor_seconds

# Reading the memory of a training takes the kernel tens of milliseconds.
SECONDS_BETWEEN_LOOKS = 5.0
GIB = 1024**3


class Stages:
    """Measure the seconds of each stage, in order, and the processor time of all programs of a data directory in it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.seconds: dict[str, float] = {}
        self.processor_seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the duration of the block to the stage."""
        began, worked = time.monotonic(), self._worked()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
            self.processor_seconds[name] = self.processor_seconds.get(name, 0.0) + self._worked() - worked

    def lines(self) -> list[str]:
        """Return one line per stage and one for the sum."""
        rows = [(name, seconds, self.processor_seconds[name]) for name, seconds in self.seconds.items()]
        rows.append(("in all", sum(self.seconds.values()), sum(self.processor_seconds.values())))
        return [f"  {name:<28} {seconds:7.1f} s {worked:7.1f} s of processor time" for name, seconds, worked in rows]

    def _worked(self) -> float:
        return processor_seconds([psutil.Process(), *processes_of(self._data)])


class MemoryWatch:
    """Sample the memory of this program and of all programs of a data directory every five seconds.

    A peak between two samples is missed; training holds its memory for minutes.
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
