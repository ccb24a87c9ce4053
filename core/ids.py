"""Define what an id is, for landing tables, events and requests: once in Python and once in DuckDB's SQL.

An id is a text. Surrounding blanks are dropped, and the text is normalised to Unicode's form NFC. A whole number that
was written with a decimal point (`17850.0`) loses the point. A word for "missing" is not an id. Nothing else changes:
case and leading zeros stay. A test compares the two implementations.
"""

import re
import unicodedata
from typing import Literal

from core.missing import WORDS

MAX_LENGTH = 64
"""Characters of an id, after surrounding blanks were dropped."""

Problem = Literal["missing", "too long", "a character", "a shortened number"]

PROBLEMS: dict[Problem, str] = {
    "missing": "it is blank, or a word such as 'null' or 'nan' that means there is none",
    "too long": f"it has more than {MAX_LENGTH} characters",
    "a character": "it holds a control character, an invisible one, or one that was lost by a wrong encoding",
    "a shortened number": (
        "it is a number such as 1.23E+11 or 1.2345678E7, as spreadsheets and Java write long ones: digits may be lost, "
        "so export the column as text"
    ),
}
"""Why a text is not an id, as the end of a sentence."""

_Ranges = tuple[tuple[int, int], ...]

_BLANK: _Ranges = (
    *((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x180E, 0x180E), (0x2000, 0x200D)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x2060), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
"""Spaces, tabs, line ends and zero-width characters: dropped around an id."""

_REFUSED: _Ranges = (
    *((0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E)),
    *((0x2060, 0x2064), (0x2066, 0x2069), (0xFEFF, 0xFEFF), (0xFFFD, 0xFFFD)),
)
"""Control and formatting characters, and the sign for an unreadable one: two ids would look the same."""

_BLANKS = "".join(chr(code) for first, last in _BLANK for code in range(first, last + 1))
_PLAIN = "[0-9A-Za-z_:/#-]*([0-9]|[0-9A-Za-z_:/#-]{16})"
"""Ids for which only the length is checked further, because no word for "missing" ends in a digit or is as long. Most
ids are plain, and this is the only test that they cost."""
_POINT = r"-?[1-9][0-9]*[.]0+|0[.]0+"
_SHORTENED = r"[+-]?[0-9]([.,][0-9]+[eE][+]?|[eE][+])[0-9]+"
"""A product may be called 1E5; a point or a plus before the exponent is how programs write numbers."""


def _class(ranges: _Ranges, escape: str) -> str:
    """Return the inside of a character class; `escape` is how the dialect writes a code point."""
    return "".join(
        escape.format(first) if first == last else f"{escape.format(first)}-{escape.format(last)}"
        for first, last in ranges
    )


_PYTHON, _RE2 = "\\u{:04x}", "\\x{{{:x}}}"
_REFUSED_PYTHON = re.compile(f"[{_class(_REFUSED, _PYTHON)}]")
_POINT_PYTHON, _SHORTENED_PYTHON = re.compile(_POINT), re.compile(_SHORTENED)


class NotAnIdError(ValueError):
    """Raised for a text that is not an id; the message describes the fault and never repeats the text."""

    def __init__(self, problem: Problem):
        super().__init__(PROBLEMS[problem])
        self.problem = problem


def as_id(text: str) -> str:
    """Return the id that a text stands for.

    Raises:
        NotAnIdError: If the text is not an id.
    """
    found = unicodedata.normalize("NFC", text).strip(_BLANKS)
    if _POINT_PYTHON.fullmatch(found):
        found = found.partition(".")[0]
    if found.lower() in WORDS:
        raise NotAnIdError("missing")
    if len(found) > MAX_LENGTH:
        raise NotAnIdError("too long")
    if _REFUSED_PYTHON.search(found):
        raise NotAnIdError("a character")
    if _SHORTENED_PYTHON.fullmatch(found):
        raise NotAnIdError("a shortened number")
    return found


def plain_sql(text: str) -> str:
    """Return an SQL condition: the text expression is an id already, so the other rules need not be applied."""
    # Unlike regexp_full_match, DuckDB computes regexp_extract once per value of a Parquet dictionary.
    return f"(strlen({text}) <= {MAX_LENGTH} AND {text} <> '' AND regexp_extract({text}, '^({_PLAIN})$') = {text})"


def id_sql(text: str) -> str:
    """Return an SQL expression: the id of a text expression, NULL if it is missing; `problem_sql` finds the others."""
    trimmed = trimmed_sql(text)
    return (
        f"CASE WHEN {plain_sql(text)} THEN {text} "
        f"WHEN {missing_sql(text)} THEN NULL "
        f"WHEN regexp_full_match({trimmed}, '{_POINT}') THEN split_part({trimmed}, '.', 1) "
        f"ELSE {trimmed} END"
    )


def trimmed_sql(text: str) -> str:
    """Return an SQL expression: the text in NFC, without surrounding blanks."""
    blank = _class(_BLANK, _RE2)
    # DuckDB's function cuts a text at the character 0, which `problem_sql` refuses: here it must stay.
    normal = f"CASE WHEN contains({text}, chr(0)) THEN {text} ELSE nfc_normalize({text}) END"
    return f"regexp_replace({normal}, '^[{blank}]+|[{blank}]+$', '', 'g')"


def missing_sql(text: str) -> str:
    """Return an SQL condition: the text is blank or one of the words for "missing"."""
    words = ", ".join(f"'{word}'" for word in WORDS)
    return f"(lower({trimmed_sql(text)}) IN ({words}))"


def problem_sql(identifier: str) -> str:
    """Return an SQL expression: a key of PROBLEMS if the result of `id_sql` is not an id; NULL for an id."""
    return (
        f"CASE WHEN {plain_sql(identifier)} THEN NULL "
        f"WHEN length({identifier}) > {MAX_LENGTH} THEN 'too long' "
        f"WHEN regexp_matches({identifier}, '[{_class(_REFUSED, _RE2)}]') THEN 'a character' "
        f"WHEN regexp_full_match({identifier}, '{_SHORTENED}') THEN 'a shortened number' END"
    )


def schema_pattern() -> str:
    """Return the rules as a regular expression of JSON Schema (ECMA-262)."""
    blank, refused = _class(_BLANK, _PYTHON), _class(_REFUSED, _PYTHON)
    inner, outer = f"[^{refused}]", f"[^{refused}{blank}]"
    words = "|".join(_in_any_case(word) for word in WORDS if word)
    no = f"(?!(?:{words}|{_SHORTENED})[{blank}]*$)"
    return f"^[{blank}]*{no}{outer}(?:{inner}{{0,{MAX_LENGTH - 2}}}{outer})?[{blank}]*$"


def _in_any_case(word: str) -> str:
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in word)
