"""What a run does where there is too little to train or to judge on: it goes on to the simple rule.

The step that finds too little writes why into `too_little.json`. The steps after it have nothing to do until the gate,
which decides for the rule. The next run tries to train again.
"""

from collections.abc import Callable
from typing import Any

from ml.errors import NotEnoughData
from ml.runs.run import TOO_LITTLE, Run


def too_little(run: Run) -> str | None:
    """Return why this run trains or judges nothing; None if it does."""
    return run.read_json(TOO_LITTLE)["because"] if (run.folder / TOO_LITTLE).exists() else None


def refuse_too_little(run: Run) -> None:
    """Raise NotEnoughData if this run trains or judges nothing: a study has no use for the simple rule."""
    if (because := too_little(run)) is not None:
        raise NotEnoughData(because)


def note_too_little(run: Run, step: str, because: str) -> None:
    """Keep the reason for the steps after this one, the report and the release log."""
    run.write_json(TOO_LITTLE, {"step": step, "because": because})


def forget_too_little(run: Run) -> None:
    """Start again, because the step that found too little is run again."""
    (run.folder / TOO_LITTLE).unlink(missing_ok=True)


def unless_too_little(run: Run, step: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Do a step's work; None, with the reason printed, if this step or one before it finds too little for it."""
    if (run.folder / TOO_LITTLE).exists():
        if run.read_json(TOO_LITTLE)["step"] != step:
            print(f"Nothing to do. {too_little(run)}", flush=True)
            return None
        forget_too_little(run)
    try:
        return work()
    except NotEnoughData as error:
        note_too_little(run, step, str(error))
        print(f"The simple rule serves unless a trained version does. {error}", flush=True)
        return None
