"""Parse a filter into a tree.

    filter     = all { "or" all }
    all        = term { "and" term }
    term       = "not" term | "(" filter ")" | tag "(" text ")" | name comparison
    comparison = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value | [ "not" ] "in" "(" value { "," value } ")"
    name       = word [ "." ( word | text ) ]
    value      = number [ "%" ] | text

`and` binds more tightly than `or`. Words of the language may be written in any case.
"""

import math
from dataclasses import dataclass

from marketing.segments.errors import FilterError
from marketing.segments.tokens import KEYWORDS, Kind, Token, tokenize

MAX_DEPTH = 50
MAX_COMPARISONS = 200


@dataclass(frozen=True)
class Value:
    """A number or a text."""

    value: float | str
    position: int


@dataclass(frozen=True)
class Comparison:
    """A property of a customer compared with one value, or with a list after `in`.

    Attributes:
        prefix: the word before the dot, such as `segment`; empty without a dot.
        name: the property.
        operator: `=`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `not in`.
        values: one, or the list after `in`.
        position: of the first word.
        name_position: of the property's name.
    """

    prefix: str
    name: str
    operator: str
    values: tuple[Value, ...]
    position: int
    name_position: int


@dataclass(frozen=True)
class Call:
    """A tag with a value, such as `likes("BEEF")`."""

    name: str
    value: Value
    position: int


@dataclass(frozen=True)
class Not:
    """The customers who do not match."""

    term: "Term"


@dataclass(frozen=True)
class Combined:
    """The customers who match all of the terms (`and`), or any of them (`or`)."""

    word: str
    terms: tuple["Term", ...]


Term = Comparison | Call | Not | Combined


def parse(text: str) -> Term:
    """Parse a filter.

    Raises:
        FilterError: the text is not a filter; the message names the position and what is allowed there.
    """
    return _Parser(tokenize(text)).whole()


class _Parser:
    def __init__(self, tokens: list[Token]):
        self._tokens = tokens
        self._next = 0
        self._comparisons = 0

    def whole(self) -> Term:
        if self._peek().kind is Kind.END:
            raise FilterError(1, 'the filter is empty. Write one such as: lapse_8w > 30% and segment.value = "high".')
        term = self._combined(0)
        if self._peek().kind is not Kind.END:
            raise self._expected("'and', 'or' or the end of the filter")
        return term

    def _combined(self, depth: int, word: str = "or") -> Term:
        terms = [self._combined(depth, "and") if word == "or" else self._term(depth)]
        while self._peek().is_keyword(word):
            self._take()
            terms.append(self._combined(depth, "and") if word == "or" else self._term(depth))
        return terms[0] if len(terms) == 1 else Combined(word, tuple(terms))

    def _term(self, depth: int) -> Term:
        token = self._peek()
        if depth > MAX_DEPTH:
            raise FilterError(token.position, f"parentheses and 'not' are nested more than {MAX_DEPTH} deep.")
        if token.is_keyword("not"):
            self._take()
            return Not(self._term(depth + 1))
        if self._is_mark("("):
            self._take()
            term = self._combined(depth + 1)
            self._take_mark(")")
            return term
        if token.kind is not Kind.NAME or token.text.lower() in KEYWORDS:
            raise self._expected("a name, 'not' or '('")
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise FilterError(token.position, f"the filter has more than {MAX_COMPARISONS} comparisons.")
        self._take()
        if self._is_mark("("):
            self._take()
            value = self._value()
            self._take_mark(")")
            return Call(token.text, value, token.position)
        return self._comparison(token)

    def _comparison(self, first: Token) -> Comparison:
        prefix, name = "", first
        if self._is_mark("."):
            self._take()
            prefix, name = first.text, self._take()
            if name.kind not in (Kind.NAME, Kind.TEXT):
                raise FilterError(name.position, f"a name must follow '{prefix}.', not {name}.")
        operator = self._operator()
        values = [self._value()] if "in" not in operator else self._list()
        return Comparison(prefix, name.text, operator, tuple(values), first.position, name.position)

    def _operator(self) -> str:
        token = self._peek()
        if token.kind is Kind.OPERATOR:
            return self._take().text.replace("<>", "!=")
        if token.is_keyword("in"):
            self._take()
            return "in"
        if token.is_keyword("not") and self._tokens[self._next + 1].is_keyword("in"):
            self._take()
            self._take()
            return "not in"
        raise self._expected("= != < <= > >= 'in' or 'not in'")

    def _list(self) -> list[Value]:
        self._take_mark("(")
        values = [self._value()]
        while self._is_mark(","):
            self._take()
            values.append(self._value())
        self._take_mark(")")
        return values

    def _value(self) -> Value:
        token = self._peek()
        if token.kind is Kind.TEXT:
            return Value(self._take().text, token.position)
        if token.kind is not Kind.NUMBER:
            raise self._expected("a number or a quoted text")
        self._take()
        number = float(token.text.rstrip("%")) / (100 if token.text.endswith("%") else 1)
        if not math.isfinite(number):
            raise FilterError(token.position, f"{token} is too large.")
        return Value(number, token.position)

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _is_mark(self, mark: str) -> bool:
        return self._peek().kind is Kind.MARK and self._peek().text == mark

    def _take_mark(self, mark: str) -> None:
        if not self._is_mark(mark):
            raise self._expected(f"'{mark}'")
        self._take()

    def _expected(self, allowed: str) -> FilterError:
        return FilterError(self._peek().position, f"{self._peek()} cannot stand here; allowed: {allowed}.")
