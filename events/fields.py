"""Types of fields that requests and events share: JSON has one kind of number, and shops have two kinds of id."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema
from typing_extensions import TypeAliasType

from core.ids import MAX_LENGTH, as_id, schema_pattern

_EXACT = 2**53
"""From here on a float of JSON may be another number than the one that was sent."""


def without_fraction(value: Any) -> Any:
    """To JSON, 3.0 and 3 are one number."""
    return int(value) if type(value) is float and value.is_integer() else value


def _spell_whole_numbers(value: Any) -> Any:
    """Many shops number their customers; 1250 and "1250" are one."""
    if type(value) is float and abs(value) >= _EXACT:
        raise ValueError("a float of this size no longer holds an id exactly")
    value = without_fraction(value)
    return str(value) if type(value) is int else value


def _written_out(value: Any) -> Any:
    """Pydantic would take a number, also in quotes, for seconds since 1970: more likely it is a mistake."""
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
    "'null' or 'nan'. Blanks around it are dropped."
)

TextId = TypeAliasType(
    "TextId",
    Annotated[
        str,
        AfterValidator(as_id),
        WithJsonSchema({"type": "string", "pattern": schema_pattern(), "description": _DESCRIPTION}),
    ],
)
"""An id of Reach's own: always a string."""

Id = TypeAliasType(
    "Id",
    Annotated[
        TextId,
        BeforeValidator(_spell_whole_numbers, json_schema_input_type=TextId | int),
    ],
)
"""An id of the shop's, a string in Reach."""

Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A time with its offset, in Reach in UTC."""
