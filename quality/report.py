"""Says what became of a boundary: in words for the log, in JSON for machines, and as an error if it must stop."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quality.errors import CriticalFailureError

if TYPE_CHECKING:  # the library behind it takes seconds to import
    from quality.checkpoint import Outcome


def lines_for_people(outcomes: list["Outcome"]) -> Iterator[str]:
    """One line a broken expectation, the critical ones first."""
    for severity in ("critical", "warning"):
        for outcome in _broken(outcomes, severity):
            yield f"  {severity}: {outcome.check.name}: {outcome.what}. {outcome.check.advice}"


def summary(boundary: str, run: str, outcomes: list["Outcome"], page: Path) -> dict[str, Any]:
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


def write_results(path: Path, outcomes: list["Outcome"]) -> None:
    """Every check and what became of it, as JSON beside the Data Docs."""
    rows = [
        {
            "name": outcome.check.name,
            "severity": outcome.check.severity,
            "frame": outcome.check.frame,
            "met": outcome.met,
            "what": outcome.what,
        }
        for outcome in outcomes
    ]
    path.write_text(json.dumps(rows, indent=2) + "\n")


def raise_if_critical(boundary: str, run: str, outcomes: list["Outcome"], page: Path) -> None:
    """Raises CriticalFailureError naming each broken critical expectation, who broke it and what to do: one line."""
    broken = _broken(outcomes, "critical")
    if broken:
        named = " ".join(f"{o.check.name}: {o.what}. {o.check.advice}" for o in broken)
        raise CriticalFailureError(
            f"{len(broken)} critical expectation{'s' if len(broken) > 1 else ''} of the {boundary} boundary "
            f"({run}) not met. {named} Nothing was published. Details: {page}"
        )


def _broken(outcomes: list["Outcome"], severity: str) -> list["Outcome"]:
    return [outcome for outcome in outcomes if not outcome.met and outcome.check.severity == severity]
