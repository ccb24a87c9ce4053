"""Writing so that neither a killed process nor a power cut leaves half a file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `<folder>/lock`: one writer at a time, over threads and processes. A dead holder's is free."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def replace_file(path: Path, content: bytes) -> None:
    """Give `path` this content in one step: readers see the old file or the new. Callers hold the lock."""
    staged = path.with_name(path.name + ".tmp")
    with staged.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    staged.replace(path)
    sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Add one line at the end of a file and wait until the disk has it. Callers hold the lock."""
    with path.open("ab") as handle:
        handle.write(line + b"\n")
        handle.flush()
        os.fsync(handle.fileno())
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A rename or a new file is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
