"""One expectation as data: what a suite is a list of."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """A promise about a frame.

    name: the promise, as people read it in logs and Data Docs. frame: which frame it judges.
    expectation: Great Expectations' name for it; arguments: its arguments.
    advice: what to do if it is not met.
    """

    name: str
    severity: Severity
    frame: str
    expectation: str
    arguments: Mapping[str, Any]
    advice: str


def critical(name: str, frame: str, expectation: str, advice: str, **arguments: Any) -> Check:
    """A check that stops the run."""
    return Check(name, "critical", frame, expectation, MappingProxyType(arguments), advice)


def warning(name: str, frame: str, expectation: str, advice: str, **arguments: Any) -> Check:
    """A check that is only printed."""
    return Check(name, "warning", frame, expectation, MappingProxyType(arguments), advice)


NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
AT_LEAST = "expect_column_pair_values_a_to_be_greater_than_b"
"""The names of the expectations the suites use most; AT_LEAST with `or_equal=True`."""
