"""Says what became of a boundary: in words for the log, in JSON for machines, and as an error if it must stop."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quality.check import Outcome, Severity
from quality.errors import CriticalFailureError
from quality.thresholds import DEFAULTS, Thresholds


def lines_for_people(outcomes: list[Outcome], thresholds: Thresholds) -> Iterator[str]:
    """One line a broken expectation, the critical ones first; then where the limits are and how to change one."""
    severities: tuple[Severity, ...] = ("critical", "warning")
    for severity in severities:
        for outcome in _broken(outcomes, severity):
            yield f"  {severity}: {_sentence(outcome)}"
    if any(not outcome.met for outcome in outcomes):
        yield f"  {where_to_set(thresholds)}"


def _sentence(outcome: Outcome) -> str:
    """What was found, what is allowed, what to do."""
    check = outcome.check
    return f"{check.name}: {outcome.what}. Allowed: {check.limit}. {check.advice}"


def where_to_set(thresholds: Thresholds) -> str:
    """Return where limits and severities stand, and how a shop changes one."""
    file = thresholds.source or DEFAULTS
    return (
        f"Limits and severities: {file}, sections [{thresholds.boundary}.<name>]. Change one by a file of your own in "
        "REACH_QUALITY_THRESHOLDS (docs/checks.md)."
    )


def summary(boundary: str, run: str, outcomes: list[Outcome], page: Path) -> dict[str, Any]:
    """The step's result: how many expectations were met, and the names of those that were not."""
    return {
        "boundary": boundary,
        "run": run,
        "expectations": len(outcomes),
        "met": sum(outcome.met for outcome in outcomes),
        "critical": [outcome.check.name for outcome in _broken(outcomes, "critical")],
        "warnings": [outcome.check.name for outcome in _broken(outcomes, "warning")],
        "data_docs": str(page),
    }


def write_results(path: Path, outcomes: list[Outcome]) -> None:
    """Every check and what became of it, as JSON beside the Data Docs."""
    rows = [
        {
            "name": outcome.check.name,
            "severity": outcome.check.severity,
            "frame": outcome.check.frame,
            "met": outcome.met,
            "what": outcome.what,
            "allowed": outcome.check.limit,
            "advice": outcome.check.advice,
        }
        for outcome in outcomes
    ]
    path.write_text(json.dumps(rows, indent=2) + "\n")


def raise_if_critical(thresholds: Thresholds, run: str, outcomes: list[Outcome], page: Path) -> None:
    """Raises CriticalFailureError naming each broken critical expectation, who broke it and what to do: one line."""
    broken = _broken(outcomes, "critical")
    if broken:
        named = " ".join(_sentence(outcome) for outcome in broken)
        raise CriticalFailureError(
            f"{len(broken)} critical expectation{'s' if len(broken) > 1 else ''} of the {thresholds.boundary} "
            f"boundary ({run}) not met. {named} Nothing was published. Details: {page}. {where_to_set(thresholds)}"
        )


def _broken(outcomes: list[Outcome], severity: Severity) -> list[Outcome]:
    return [outcome for outcome in outcomes if not outcome.met and outcome.check.severity == severity]
