"""Hold an opened online store, and open it again whenever a materialization has finished."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Opened = TypeVar("Opened")


class StoreFollower(Generic[Opened]):
    """Return what `open_store` opened last; one object serves all threads of a process for its whole life.

    Opening costs half a second. One thread opens while the others read on.

    Args:
        marker: A file whose inode or modification time changes whenever a materialization finishes.
        open_store: Opens the store as it is now.
    """

    def __init__(self, marker: Path, open_store: Callable[[], Opened]):
        self._marker = marker
        self._open_store = open_store
        self._opening = threading.Lock()
        self._opened: tuple[object, Opened] | None = None

    def current(self) -> Opened:
        """Return the open store."""
        mark = self._marked()
        opened = self._opened
        if opened is not None and (opened[0] == mark or not self._opening.acquire(blocking=False)):
            return opened[1]
        if opened is None:
            self._opening.acquire()
        try:
            if self._opened is None or self._opened[0] != mark:
                self._opened = (mark, self._open_store())
            return self._opened[1]
        finally:
            self._opening.release()

    def _marked(self) -> object:
        """Return a value that changes when a materialization finishes."""
        try:
            status = self._marker.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
