"""What a run does where there is too little to train or to judge on: it goes on to the simple rule.

The step that finds too little writes why into `not_enough_data.json`. The steps after it have nothing to do
until the gate, which decides for the rule. The next run tries to train again.
"""

import logging
from collections.abc import Callable
from typing import Any

from ml.errors import NotEnoughDataError
from ml.runs.artifacts import NOT_ENOUGH_DATA
from ml.runs.run import Run

logger = logging.getLogger(__name__)


def not_enough_data(run: Run) -> str | None:
    """Return why this run trains or judges nothing; None if it does."""
    return run.read_json(NOT_ENOUGH_DATA)["because"] if (run.folder / NOT_ENOUGH_DATA).exists() else None


def require_enough_data(run: Run) -> None:
    """Raise NotEnoughDataError if this run trains or judges nothing: a study has no use for the simple rule."""
    if (because := not_enough_data(run)) is not None:
        raise NotEnoughDataError(because)


def record_not_enough_data(run: Run, step: str, because: str) -> None:
    """Keep the reason for the steps after this one, the report and the release log."""
    run.write_json(NOT_ENOUGH_DATA, {"step": step, "because": because})


def clear_not_enough_data(run: Run) -> None:
    """Start again, because the step that found too little is run again."""
    (run.folder / NOT_ENOUGH_DATA).unlink(missing_ok=True)


def unless_not_enough_data(run: Run, step: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Do a step's work; None, with the reason printed, if this step or one before it finds too little for it."""
    if (run.folder / NOT_ENOUGH_DATA).exists():
        if run.read_json(NOT_ENOUGH_DATA)["step"] != step:
            logger.info(f"Nothing to do. {not_enough_data(run)}")
            return None
        clear_not_enough_data(run)
    try:
        return work()
    except NotEnoughDataError as error:
        record_not_enough_data(run, step, str(error))
        logger.info(f"The simple rule serves unless a trained version does. {error}")
        return None
