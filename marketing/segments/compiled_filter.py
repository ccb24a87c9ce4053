"""Compile a filter to one parameterised SELECT, after checking every name and value.

Names reach the SQL only if the vocabulary contains them, values only as parameters, so a quote inside a value is data.
A customer of whom a property is not known does not match a comparison with it, so `not` matches that customer.
"""

from collections.abc import Collection
from dataclasses import dataclass

from core.duckdb_engine import quote_identifier
from marketing.segments.errors import FilterError, unknown
from marketing.segments.tree import Call, Combined, Comparison, Not, Term, Value, parse
from marketing.segments.vocabulary import CUSTOMERS, DUE, FAMILY, PREDICTIONS, SEGMENTS, TAGS, Tag, Vocabulary

SEGMENT, TAG, CONFIDENCE = "segment", "tag", "confidence"
PREFIXES = (SEGMENT, TAG, CONFIDENCE)
DUE_CALL = "due"


@dataclass(frozen=True)
class CompiledFilter:
    """A SELECT of the ids of the customers who match, sorted, and its parameters."""

    sql: str
    parameters: tuple[float | str, ...]


def compile_filter(text: str, vocabulary: Vocabulary) -> CompiledFilter:
    """Compile a filter over the views of `open_scores`.

    Args:
        text: such as `lapse_8w > 30% and likes("SOFT DRINKS") and segment.value = "high"`.
        vocabulary: what exists.

    Raises:
        FilterError: the text is not a filter, or names something that does not exist.
    """
    compiler = _Compiler(vocabulary)
    condition = compiler.condition(parse(text))
    return CompiledFilter(
        f"SELECT customer_id FROM {CUSTOMERS} WHERE {condition} ORDER BY customer_id", tuple(compiler.parameters)
    )


class _Compiler:
    def __init__(self, vocabulary: Vocabulary):
        self._known = vocabulary
        self.parameters: list[float | str] = []

    def condition(self, term: Term) -> str:
        if isinstance(term, Not):
            return f"NOT ({self.condition(term.term)})"
        if isinstance(term, Combined):
            return f" {term.word.upper()} ".join(f"({self.condition(one)})" for one in term.terms)
        if isinstance(term, Call):
            return self._call(term)
        if not term.prefix:
            return self._prediction(term)
        prefix = term.prefix.lower()
        if prefix == SEGMENT:
            return self._segment(term)
        if prefix in (TAG, CONFIDENCE):
            return self._tag(term) if prefix == TAG else self._confidence(term)
        raise unknown(term.position, "the word before the dot", term.prefix, PREFIXES)

    def _call(self, call: Call) -> str:
        if call.name.lower() == DUE_CALL:
            text = _text(call.value, f"{DUE_CALL}(…)")
            _check(call.value, "the category due", text, self._known.due)
            return self._matching(PREDICTIONS, f"list_contains({DUE}, ?)", text)
        if call.name in self._known.families:
            text = _text(call.value, f"{call.name}(…)")
            _check(call.value, f"the value of {call.name}", text, self._known.families[call.name])
            return self._matching(TAGS, "tag = ?", f"{call.name}{FAMILY}{text}")
        if call.name not in self._known.tags:
            known = [*self._known.tags, *self._known.families, DUE_CALL]
            raise unknown(call.position, "the tag", call.name, known)
        text = _text(call.value, f"{call.name}(…)")
        _check(call.value, f"the value of {call.name}", text, self._known.tags[call.name].values)
        return self._matching(TAGS, "tag = ? AND value = ?", call.name, text)

    def _prediction(self, term: Comparison) -> str:
        if term.name not in self._known.numbers:
            if term.name in self._known.tags:
                raise FilterError(
                    term.position, f"'{term.name}' is a tag. Write {TAG}.{term.name}, or {term.name}(\"a value\")."
                )
            raise unknown(term.position, "the prediction", term.name, self._known.numbers)
        numbers = [_number(value, term.name) for value in term.values]
        return self._matching(PREDICTIONS, f"{quote_identifier(term.name)} {_comparison(term)}", *numbers)

    def _segment(self, term: Comparison) -> str:
        if term.name not in self._known.axes:
            raise unknown(term.name_position, "the axis of segments", term.name, self._known.axes)
        texts = self._texts(term, f"{SEGMENT}.{term.name}", self._known.axes[term.name])
        return self._matching(SEGMENTS, f"axis = ? AND segment {_comparison(term)}", term.name, *texts)

    def _tag(self, term: Comparison) -> str:
        tag = self._tag_of(term)
        if isinstance(term.values[0].value, str):
            texts = self._texts(term, f"{TAG}.{term.name}", tag.values)
            return self._matching(TAGS, f"tag = ? AND value {_comparison(term)}", term.name, *texts)
        if not tag.is_number:
            raise FilterError(
                term.values[0].position,
                f"{TAG}.{term.name} is compared with a number, and its values are texts, such as "
                f"'{min(tag.values, default='')}'.",
            )
        numbers = [_number(value, f"{TAG}.{term.name}") for value in term.values]
        return self._matching(TAGS, f"tag = ? AND TRY_CAST(value AS DOUBLE) {_comparison(term)}", term.name, *numbers)

    def _confidence(self, term: Comparison) -> str:
        self._tag_of(term)
        numbers = [_number(value, f"{CONFIDENCE}.{term.name}") for value in term.values]
        return self._matching(TAGS, f"tag = ? AND confidence {_comparison(term)}", term.name, *numbers)

    def _tag_of(self, term: Comparison) -> Tag:
        if term.name not in self._known.tags:
            raise unknown(term.name_position, "the tag", term.name, self._known.tags)
        return self._known.tags[term.name]

    def _texts(self, term: Comparison, name: str, known: Collection[str]) -> list[str]:
        if term.operator not in ("=", "!=", "in", "not in"):
            raise FilterError(
                term.values[0].position, f"{name} is a text: compare it with = != in or not in, not {term.operator}."
            )
        texts = [_text(value, name) for value in term.values]
        for value, text in zip(term.values, texts, strict=True):
            _check(value, f"the value of {name}", text, known)
        return texts

    def _matching(self, view: str, condition: str, *parameters: float | str) -> str:
        self.parameters += parameters
        return f"customer_id IN (SELECT customer_id FROM {view} WHERE {condition})"


def _comparison(term: Comparison) -> str:
    if term.operator in ("in", "not in"):
        return f"{term.operator.upper()} ({', '.join('?' * len(term.values))})"
    return f"{term.operator} ?"


def _number(value: Value, name: str) -> float:
    if isinstance(value.value, str):
        raise FilterError(value.position, f"{name} is a number, and '{value.value}' is a quoted text.")
    return value.value


def _text(value: Value, name: str) -> str:
    if not isinstance(value.value, str):
        raise FilterError(value.position, f'{name} needs a quoted text, such as "{value.value:g}".')
    return value.value


def _check(value: Value, what: str, text: str, known: Collection[str]) -> None:
    if text not in known:
        raise unknown(value.position, what, text, known)
