"""One expectation as data: what a suite is a list of."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """A promise about a frame; severity and limits come from the thresholds.

    name: the promise, as people read it in logs and Data Docs. frame: which frame it judges.
    expectation: Great Expectations' name for it; arguments: its arguments, limits included once they are known.
    advice: what to do if it is not met. example: the frame's column with an example in words, if it has one.
    severity: `critical` stops the run, `warning` is only printed.
    """

    name: str
    frame: str
    expectation: str
    arguments: Mapping[str, Any]
    advice: str
    example: str = ""
    severity: Severity = "critical"

    @property
    def limit(self) -> str:
        """Return what is allowed, in words: `volume_ratio at least 0.3 and at most 2.5`."""
        given = self.arguments
        if self.expectation == AT_LEAST:
            return f"{given['column_A']} at least {given['column_B']}"
        if self.expectation == IN_SET:
            return f"{given['column']} is {' or '.join(str(value) for value in given['value_set'])}"
        least = f"at least {given['min_value']:g}" if "min_value" in given else ""
        most = f"at most {given['max_value']:g}" if "max_value" in given else ""
        return f"{given['column']} {' and '.join(part for part in (least, most) if part)}"


@dataclass(frozen=True)
class Outcome:
    """The result of one check; `what` states the failing subjects or the size of the deviation, empty if it is met."""

    check: Check
    met: bool
    what: str


def check(name: str, frame: str, expectation: str, advice: str, example: str = "", **arguments: Any) -> Check:
    """Return a check whose severity and limits are not known yet."""
    return Check(name, frame, expectation, MappingProxyType(arguments), advice, example)


BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
AT_LEAST = "expect_column_pair_values_a_to_be_greater_than_b"
"""The names of the expectations that the suites use; AT_LEAST with `or_equal=True`."""
