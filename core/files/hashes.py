"""Compute the SHA-256 of files, again only when a file's metadata have changed since the last time.

Inode and change time are compared too, because a program can reset size and modification time, but not those.
"""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from core.files.atomic import remove_leftovers, staging_path

_SETTLED_NS = 2_000_000_000  # a file changed just now may change again within the same tick of the clock


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of the file's bytes, as 64 hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class FileHashes:
    """Hashes of files, cached in a JSON file from one run to the next."""

    def __init__(self, cache: Path):
        self._cache = cache
        self._entries = _read(cache)
        self._changed = False

    def of(self, file: Path) -> str:
        """Return the SHA-256 of the file's bytes.

        Raises:
            OSError: If the file cannot be read.
        """
        now, path = time.time_ns(), str(file.resolve())
        before = _metadata(file)
        entry = self._entries.get(path)
        if entry is not None and entry[:-1] == before:
            return str(entry[-1])
        digest = file_sha256(file)
        self._entries.pop(path, None)
        if _metadata(file) == before and now - max(before[2:]) > _SETTLED_NS:
            self._entries[path] = [*before, digest]
        self._changed = True
        return digest

    def save(self) -> None:
        """Write the cache, without files that are gone; do nothing if the cache cannot be written."""
        if not self._changed:
            return
        entries = {path: entry for path, entry in self._entries.items() if Path(path).exists()}
        # The process id is in the name because two processes may save the same cache at once.
        staged = staging_path(self._cache.with_name(f"{self._cache.name}-{os.getpid()}"))
        with suppress(OSError):
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self._cache.parent, self._cache.name)
            staged.write_text(json.dumps(entries))
            staged.replace(self._cache)


def _metadata(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _read(cache: Path) -> dict[str, list[int | str]]:
    try:
        found = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return {str(path): list(entry) for path, entry in found.items()} if isinstance(found, dict) else {}
