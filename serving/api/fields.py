"""Types of fields that requests share, those of events among them (events/fields.py)."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from core.ids import MAX_LENGTH
from events.fields import Id, Moment, without_fraction

__all__ = ["ID", "MAX_COUNT", "Count", "Id", "Moment", "UnitInterval"]

MAX_COUNT = 100

ID = f"a string of 1 to {MAX_LENGTH} characters that is not a word for \"missing\" such as 'null', or a whole number"
"""What an id may be, in words (core/ids.py)."""

Count = Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT), BeforeValidator(without_fraction)]
"""How many of something: no string of digits, no truth value. Its bounds stand here, for pydantic describes none that
are put upon `Count | None` from outside."""

UnitInterval = Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)]
