"""Report the outcomes of a checkpoint: as lines for the log, as JSON, and as an error if the run must stop."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quality.check import Outcome, Severity
from quality.errors import CriticalFailureError
from quality.thresholds import DEFAULTS, Thresholds


def lines_for_people(outcomes: list[Outcome], thresholds: Thresholds) -> Iterator[str]:
    """Yield one line per broken expectation, the critical ones first, then how to change a limit."""
    severities: tuple[Severity, ...] = ("critical", "warning")
    for severity in severities:
        for outcome in _broken(outcomes, severity):
            yield f"  {severity}: {_sentence(outcome)}"
    if any(not outcome.success for outcome in outcomes):
        yield f"  {where_to_set(thresholds)}"


def _sentence(outcome: Outcome) -> str:
    """Return what was found, what is allowed and the next step."""
    check = outcome.check
    return f"{check.name}: {outcome.details}. Allowed: {check.limit}. {check.advice}"


def where_to_set(thresholds: Thresholds) -> str:
    """Return the file of limits and severities, and how a shop changes one."""
    file = thresholds.source or DEFAULTS
    return (
        f"Limits and severities: {file}, sections [{thresholds.checkpoint}.<name>]. "
        "Change one by a file of your own in REACH_QUALITY_THRESHOLDS (docs/checks.md)."
    )


def summary(checkpoint: str, run: str, outcomes: list[Outcome], page: Path) -> dict[str, Any]:
    """Return the step's result: the number of expectations met, and the names of the others."""
    return {
        "boundary": checkpoint,
        "run": run,
        "expectations": len(outcomes),
        "met": sum(outcome.success for outcome in outcomes),
        "critical": [outcome.check.name for outcome in _broken(outcomes, "critical")],
        "warnings": [outcome.check.name for outcome in _broken(outcomes, "warning")],
        "data_docs": str(page),
    }


def write_results(path: Path, outcomes: list[Outcome]) -> None:
    """Write every check and its outcome as JSON next to the Data Docs."""
    rows = [
        {
            "name": outcome.check.name,
            "severity": outcome.check.severity,
            "frame": outcome.check.frame,
            "met": outcome.success,
            "what": outcome.details,
            "allowed": outcome.check.limit,
            "advice": outcome.check.advice,
        }
        for outcome in outcomes
    ]
    path.write_text(json.dumps(rows, indent=2) + "\n")


def raise_if_critical(thresholds: Thresholds, run: str, outcomes: list[Outcome], page: Path) -> None:
    """Raise CriticalFailureError if a critical expectation is broken.

    Its message is one line that names each broken expectation, its offenders and the next step.
    """
    broken = _broken(outcomes, "critical")
    if broken:
        named = " ".join(_sentence(outcome) for outcome in broken)
        raise CriticalFailureError(
            f"{len(broken)} critical expectation{'s' if len(broken) > 1 else ''} of the {thresholds.checkpoint} "
            f"checkpoint ({run}) not met. {named} Nothing was published. Details: {page}. {where_to_set(thresholds)}"
        )


def _broken(outcomes: list[Outcome], severity: Severity) -> list[Outcome]:
    return [outcome for outcome in outcomes if not outcome.success and outcome.check.severity == severity]
