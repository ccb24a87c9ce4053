"""Describe one expectation as data; a suite is a list of checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """A promise about a frame; severity and limits come from the thresholds.

    Attributes:
        name: The promise, as people read it in logs and Data Docs.
        frame: Name of the frame that is checked.
        expectation: Name of the expectation in Great Expectations.
        arguments: Arguments of the expectation, limits included once they are set.
        advice: The next step if the promise is broken.
        example: The frame's column with an example in words, if it has one.
        severity: `critical` stops the run, `warning` is only logged.
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
    """The result of one check.

    Attributes:
        check: The check.
        success: Whether it is met.
        details: The failing subjects, or the size of the deviation; empty if it is met.
    """

    check: Check
    success: bool
    details: str


def check(name: str, frame: str, expectation: str, advice: str, example: str = "", **arguments: Any) -> Check:
    """Return a check without severity and limits; `Thresholds.applied` sets them."""
    return Check(name, frame, expectation, MappingProxyType(arguments), advice, example)


BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
AT_LEAST = "expect_column_pair_values_a_to_be_greater_than_b"
"""The names of the expectations that the suites use; AT_LEAST with `or_equal=True`."""
