"""Write one condition of a filter from a property, an operator and a value, and add it to a filter."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketing.segments.compiled_filter import CONFIDENCE, DUE_CALL, SEGMENT, TAG
from marketing.segments.errors import FilterError
from marketing.segments.tree import Combined, parse
from marketing.segments.vocabulary import FAMILY, Vocabulary

NUMBER_OPERATORS = (">", ">=", "<", "<=", "=", "!=")
TEXT_OPERATORS = ("=", "!=")
IS = "is"
"""The operator of a tag or of a category that a customer is due to buy: either holds or it does not."""


@dataclass(frozen=True)
class Property:
    """Something that a condition can ask of a customer.

    Attributes:
        name: as a filter writes it, such as `segment.value`.
        group: what it belongs to, for a list of properties.
        operators: those that it allows.
        values: its texts; none for a number.
    """

    name: str
    group: str
    operators: Sequence[str]
    values: Sequence[str] = ()


def properties(vocabulary: Vocabulary) -> list[Property]:
    """Return every property that the published scores have, in the order of a list."""
    tags = sorted(item for item in vocabulary.tags.items() if FAMILY not in item[0])
    families = sorted(vocabulary.families.items())
    found = [Property(name, "Predictions", NUMBER_OPERATORS) for name in sorted(vocabulary.numbers)]
    found += [
        Property(f"{SEGMENT}.{axis}", "Segments", TEXT_OPERATORS, sorted(segments))
        for axis, segments in sorted(vocabulary.axes.items())
    ]
    found += [
        Property(f"{TAG}.{name}", "Tags", NUMBER_OPERATORS)
        if tag.is_number
        else Property(name, "Tags", (IS,), sorted(tag.values))
        for name, tag in tags
    ]
    found += [Property(family, "Tags", (IS,), sorted(names)) for family, names in families]
    if vocabulary.due:
        found.append(Property(DUE_CALL, "Categories due", (IS,), sorted(vocabulary.due)))
    return found + [Property(f"{CONFIDENCE}.{name}", "Confidence of tags", NUMBER_OPERATORS) for name, _ in tags]


def condition(asked: Property, operator: str, value: str) -> str:
    """Return a condition as a filter writes it.

    Args:
        asked: the property.
        operator: one of its operators.
        value: a number, with % if wanted, or a text without quotes.

    Raises:
        FilterError: the property does not allow the operator, or no value is given.
    """
    value = value.strip()
    if operator not in asked.operators:
        raise FilterError(1, f"{asked.name} is compared with {', '.join(asked.operators)}, not with '{operator}'.")
    if not value:
        raise FilterError(1, f"{asked.name} needs a value.")
    if not asked.values:
        return f"{asked.name} {operator} {value}"
    quoted = '"' + value.replace('"', '""') + '"'
    return f"{asked.name}({quoted})" if operator == IS else f"{asked.name} {operator} {quoted}"


def with_condition(text: str, added: str) -> str:
    """Return a filter for the customers who match it and a further condition.

    Raises:
        FilterError: the filter or the condition cannot be parsed.
    """
    parse(added)
    if not text.strip():
        return added
    term = parse(text)
    is_or = isinstance(term, Combined) and term.word == "or"
    return f"({text.strip()}) and {added}" if is_or else f"{text.strip()} and {added}"
