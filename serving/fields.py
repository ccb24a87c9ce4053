"""Types of fields that requests share: JSON has one kind of number, and shops have two kinds of id."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

MAX_ID = 64


def _without_fraction(value: Any) -> Any:
    """To JSON, 3.0 and 3 are one number."""
    return int(value) if type(value) is float and value.is_integer() else value


def _spell_whole_numbers(value: Any) -> Any:
    """Many shops number their customers; 1250 and "1250" are one."""
    value = _without_fraction(value)
    return str(value) if type(value) is int else value


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID)]

Id = Annotated[Text, BeforeValidator(_spell_whole_numbers, json_schema_input_type=Text | int)]
"""An id of the shop's, a string in Reach."""

Whole = Annotated[int, Field(strict=True), BeforeValidator(_without_fraction)]
"""A whole number: no string of digits, no truth value."""
