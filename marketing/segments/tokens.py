"""Split the text of a filter into tokens with their positions."""

import re
from dataclasses import dataclass
from enum import StrEnum

from marketing.segments.errors import FilterError

MAX_LENGTH = 10_000
"""Characters of a filter at most: a longer one is a list of customers, not a rule."""


class Kind(StrEnum):
    """The kinds of tokens."""

    NAME = "a name"
    NUMBER = "a number"
    TEXT = "a quoted text"
    OPERATOR = "an operator"
    MARK = "a mark"
    END = "the end"


KEYWORDS = frozenset({"and", "or", "not", "in"})

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<NUMBER>-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?%?(?!\w))
    | (?P<NAME>[^\W\d]\w*)
    | (?P<TEXT>"(?:[^"]|"")*"|'(?:[^']|'')*')
    | (?P<OPERATOR><=|>=|!=|<>|=|<|>)
    | (?P<MARK>[().,])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """One token.

    Attributes:
        kind: what it is.
        text: as it was written; a quoted text without its quotes.
        position: of its first character, counted from 1.
    """

    kind: Kind
    text: str
    position: int

    def is_keyword(self, word: str) -> bool:
        """Return whether this is a word of the language, in any case."""
        return self.kind is Kind.NAME and self.text.lower() == word

    def __str__(self) -> str:
        return "the end of the filter" if self.kind is Kind.END else f"'{self.text}'"


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a filter, the end included.

    Raises:
        FilterError: a character that begins no token, a quote that is not closed, or a text that is too long.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(MAX_LENGTH + 1, f"the filter has {len(text):,} characters; {MAX_LENGTH:,} are allowed.")
    tokens = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise _not_a_token(text, at)
        if found.lastgroup != "space":
            kind = Kind[found.lastgroup]
            tokens.append(Token(kind, _unquoted(found.group()) if kind is Kind.TEXT else found.group(), at + 1))
        at = found.end()
    return [*tokens, Token(Kind.END, "", len(text) + 1)]


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)


def _not_a_token(text: str, at: int) -> FilterError:
    if text[at] in "\"'":
        return FilterError(at + 1, f"the quote {text[at]} is not closed.")
    return FilterError(
        at + 1,
        f"'{text[at]}' cannot stand here. A filter has names, numbers, quoted texts, = != < <= > >= ( ) . and ','.",
    )
