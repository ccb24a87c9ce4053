"""Continue a run with the baseline when there is too little data to train or evaluate.

The step that finds too little writes the reason to `not_enough_data.json`. Later steps do nothing until the gate, which
decides for the baseline. The next run tries to train again.
"""

import logging
from collections.abc import Callable
from typing import Any

from ml.errors import NotEnoughDataError
from ml.runs.artifacts import NOT_ENOUGH_DATA
from ml.runs.run import Run

logger = logging.getLogger(__name__)


def not_enough_data(run: Run) -> str | None:
    """Return why this run neither trains nor evaluates; None if it does."""
    return run.read_json(NOT_ENOUGH_DATA)["because"] if (run.folder / NOT_ENOUGH_DATA).exists() else None


def require_enough_data(run: Run) -> None:
    """Raise NotEnoughDataError if this run neither trains nor evaluates, because a study cannot use the baseline."""
    if (because := not_enough_data(run)) is not None:
        raise NotEnoughDataError(because)


def record_not_enough_data(run: Run, step: str, because: str) -> None:
    """Write the reason, for the steps after this one, the report and the release log."""
    run.write_json(NOT_ENOUGH_DATA, {"step": step, "because": because})


def clear_not_enough_data(run: Run) -> None:
    """Delete the reason, because the step that wrote it runs again."""
    (run.folder / NOT_ENOUGH_DATA).unlink(missing_ok=True)


def unless_not_enough_data(run: Run, step: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Run a step's work unless this step or one before it finds too little data.

    Args:
        run: The run's folder.
        step: Name of the step.
        work: Does the step's work.

    Returns:
        The result of `work`; None after a NotEnoughDataError, with the reason logged.
    """
    if (run.folder / NOT_ENOUGH_DATA).exists():
        if run.read_json(NOT_ENOUGH_DATA)["step"] != step:
            logger.info(f"Nothing to do. {not_enough_data(run)}")
            return None
        clear_not_enough_data(run)
    try:
        return work()
    except NotEnoughDataError as error:
        record_not_enough_data(run, step, str(error))
        logger.info(f"The baseline serves unless a trained version does. {error}")
        return None
