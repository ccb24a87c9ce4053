"""Allow one writer at a time, across threads and processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

LOCK_FILE = ".lock"
"""The name of the lock file inside the folder it protects."""


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock while the block runs; wait until another holder has released it.

    The folder is created when it is missing. The operating system releases the lock of a killed process at once.

    Args:
        folder: The folder in which only the holder may write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK_FILE):
        yield
