"""Values that requests take, and their neighbours that they do not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from events.fields import Id, UtcDatetime
from serving.api.schemas import Count, UnitInterval


def _read(kind: Any, json: str) -> Any:
    return TypeAdapter(kind).validate_json(json)


@pytest.mark.parametrize(
    ("kind", "json", "value"),
    [
        (Id, "1250", "1250"),
        (Id, '"1250"', "1250"),
        (Id, "1250.0", "1250"),
        (Id, "-7", "-7"),
        (Id, '" 1566 "', "1566"),
        (Id, '"17850.0"', "17850"),
        (Count, "3", 3),
        (Count, "3.0", 3),
        (UnitInterval, "1", 1.0),
        (UnitInterval, "0.25", 0.25),
        (UtcDatetime, '"2018-01-01T17:30:00Z"', datetime(2018, 1, 1, 17, 30, tzinfo=UTC)),
        (UtcDatetime, '"2018-01-01T17:30:00+02:00"', datetime(2018, 1, 1, 15, 30, tzinfo=UTC)),
    ],
)
def test_a_value_is_read_as_it_is_meant(kind: Any, json: str, value: Any) -> None:
    assert _read(kind, json) == value


@pytest.mark.parametrize(
    ("kind", "json"),
    [
        *((Id, json) for json in ["true", "null", "1.5", '""', "9" * 65, "1e300", "NaN", '"' + "x" * 65 + '"']),
        *((Id, json) for json in ['" "', '"null"', '"NaN"', r'"15\u000066"', '"1.5E+05"']),
        (Id, "9007199254740993.0"),  # a float of JSON: it would be read as ...992
        *((Count, json) for json in ["true", '"3"', "3.5", "null", "NaN", "Infinity", "0", "101", "-1.0"]),
        *((UnitInterval, json) for json in ["true", '"0.5"', "1.1", "-0.1", "null", "NaN", "Infinity"]),
        # Without an offset the instant is unknown; a number may be seconds, milliseconds or a mistake.
        *(
            (UtcDatetime, json)
            for json in ['"2018-01-01T17:30:00"', "1514764800", '"1514764800"', '"2018-01-01"', "true"]
        ),
        *((UtcDatetime, json) for json in ['"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"']),
    ],
)
def test_what_could_be_a_mistake_is_refused(kind: Any, json: str) -> None:
    with pytest.raises(ValidationError):
        _read(kind, json)
