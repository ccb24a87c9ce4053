"""Types of fields that requests share, those of events among them (live/fields.py)."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from live.fields import MAX_ID, Id, Moment, Text, without_fraction

__all__ = ["MAX_COUNT", "MAX_ID", "Count", "Id", "Moment", "Share", "Text"]

MAX_COUNT = 100

Count = Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT), BeforeValidator(without_fraction)]
"""How many of something: no string of digits, no truth value. Its bounds stand here, for pydantic describes none that
are put upon `Count | None` from outside."""

Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)]
