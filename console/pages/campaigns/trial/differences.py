"""Mark the words in which two texts differ, and compare two versions of a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff

_WORD = re.compile(r"\s+|[^\s]+")
MAX_WORDS = 3_000
"""Longer texts are shown without marks."""


@dataclass(frozen=True)
class Piece:
    """A part of a text, and whether the other text lacks it."""

    text: str
    differs: bool


def marked(left: str, right: str) -> tuple[list[Piece], list[Piece]]:
    """Return both texts in pieces."""
    words, others = _WORD.findall(left), _WORD.findall(right)
    if max(len(words), len(others)) > MAX_WORDS:
        return [Piece(left, False)], [Piece(right, False)]
    matcher = SequenceMatcher(None, words, others, autojunk=False)
    pieces: tuple[list[Piece], list[Piece]] = ([], [])
    for kind, first, end, first_other, end_other in matcher.get_opcodes():
        for found, part in ((pieces[0], words[first:end]), (pieces[1], others[first_other:end_other])):
            if part:
                found.append(Piece("".join(part), kind != "equal"))
    return pieces


def changed_lines(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a comparison: `-`, `+` or ` `, and the line."""
    for number, line in enumerate(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)):
        if number >= 2:
            yield ("@", "…") if line.startswith("@@") else (line[:1], line[1:])
