"""Find the line of a TOML file at which a value is written, so that an error can name it."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*')\s*(?:=|\.)")


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Return the line, counted from 1, of a value or of the nearest section around it; None if neither is found.

    Args:
        text: the file.
        path: keys and positions, such as `("content", 1, "subject")`.
    """
    written = _paths(text)
    wanted = tuple(path)
    while wanted:
        if wanted in written:
            return written[wanted]
        wanted = wanted[:-1]
    return None


def _paths(text: str) -> dict[tuple[str | int, ...], int]:
    """Return the line of every section header and every key at the start of a line, outside strings of many lines."""
    found: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    section: tuple[str | int, ...] = ()
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if inside:
            inside = None if inside in line else inside
            continue
        if header := _HEADER.match(line):
            keys = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            section = _with_positions(keys, counts, header[1] == "[[")
            found.setdefault(section, number)
            found.setdefault(section[:-1] if isinstance(section[-1], int) else section, number)
        elif key := _KEY.match(line):
            found.setdefault((*section, key[1].strip("\"'")), number)
        inside = next((quote for quote in ('"""', "'''") if line.count(quote) % 2), None)
    return found


def _with_positions(
    keys: tuple[str, ...], counts: dict[tuple[str | int, ...], int], is_new: bool
) -> tuple[str | int, ...]:
    """Return the section's path with the position in each array of tables, which `[[…]]` opens."""
    path: tuple[str | int, ...] = ()
    for depth, key in enumerate(keys):
        path = (*path, key)
        if is_new and depth == len(keys) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path
