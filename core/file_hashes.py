"""The SHA-256 of files, computed again only when a file's metadata differ from what is remembered.

Inode and change time are compared too, because a program can set size and modification time back, but not those.
"""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

_SETTLED_NS = 2_000_000_000  # a file changed just now may change again within the same tick of the clock


class FileHashes:
    """Hashes of files, remembered in `memory`, a JSON file, from one run to the next."""

    def __init__(self, memory: Path):
        self._memory = memory
        self._known = _read(memory)
        self._changed = False

    def of(self, file: Path) -> str:
        """Return the SHA-256 of the file's bytes. Raises OSError if it cannot be read."""
        now, path = time.time_ns(), str(file.resolve())
        before = _metadata(file)
        known = self._known.get(path)
        if known is not None and known[:-1] == before:
            return str(known[-1])
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        self._known.pop(path, None)
        if _metadata(file) == before and now - max(before[2:]) > _SETTLED_NS:
            self._known[path] = [*before, digest]
        self._changed = True
        return digest

    def keep(self) -> None:
        """Write what is known to the memory, without files that are gone. Without effect if it cannot be written."""
        if not self._changed:
            return
        known = {path: entry for path, entry in self._known.items() if Path(path).exists()}
        step = self._memory.with_name(f".{self._memory.name}-{os.getpid()}")
        with suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            step.write_text(json.dumps(known))
            step.replace(self._memory)


def _metadata(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _read(memory: Path) -> dict[str, list[int | str]]:
    try:
        found = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return {str(path): list(entry) for path, entry in found.items()} if isinstance(found, dict) else {}
