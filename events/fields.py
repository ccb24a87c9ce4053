"""Define field types that requests and events share: JSON has one kind of number, and shops have two kinds of id."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema
from typing_extensions import TypeAliasType

from core.ids import MAX_LENGTH, as_id, schema_pattern

_EXACT = 2**53
"""From this size on a JSON float may differ from the number that was sent."""


def without_fraction(value: Any) -> Any:
    """Return a whole float as an int, because JSON does not distinguish 3.0 from 3."""
    return int(value) if type(value) is float and value.is_integer() else value


def _int_to_str(value: Any) -> Any:
    """Return a whole number as text, because many shops number their customers: 1250 and "1250" are the same id."""
    if type(value) is float and abs(value) >= _EXACT:
        raise ValueError("a float of this size no longer holds an id exactly")
    value = without_fraction(value)
    return str(value) if type(value) is int else value


def _require_iso_string(value: Any) -> Any:
    """Refuse a number, also in quotes: Pydantic reads it as seconds since 1970, but it is more likely a mistake."""
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("not of the form 2018-01-01T17:30:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:  # in the first or last hours that a calendar holds
        raise ValueError("beyond the calendar in UTC") from error


ID = f"a string of 1 to {MAX_LENGTH} characters that is not a word for \"missing\" such as 'null', or a whole number"
"""Describes what an id may be, for descriptions of fields (core/ids.py)."""

_DESCRIPTION = (
    f"1 to {MAX_LENGTH} characters, without control characters and without the words that mean there is none, such as "
    "'null' or 'nan'. Surrounding blanks are dropped."
)

TextId = TypeAliasType(
    "TextId",
    Annotated[
        str,
        AfterValidator(as_id),
        WithJsonSchema({"type": "string", "pattern": schema_pattern(), "description": _DESCRIPTION}),
    ],
)
"""An id that Reach assigned: always a string."""

Id = TypeAliasType(
    "Id",
    Annotated[
        TextId,
        BeforeValidator(_int_to_str, json_schema_input_type=TextId | int),
    ],
)
"""An id that the shop assigned: a string or a whole number in JSON, a string in Reach."""

UtcDatetime = Annotated[AwareDatetime, BeforeValidator(_require_iso_string), AfterValidator(_in_utc)]
"""A time with an offset in JSON, converted to UTC."""
