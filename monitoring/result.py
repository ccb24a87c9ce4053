"""Read the result that the newest check wrote; for the DAG's task and for the console's page."""

import json
from pathlib import Path
from typing import Any

from monitoring.errors import AlarmError, NotCheckedError


def read_result(path: Path) -> dict[str, Any] | None:
    """Return the newest result; None before the first check.

    Raises:
        NotCheckedError: The file cannot be read.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise NotCheckedError(f"{path} cannot be read ({error}). Run 'python -m monitoring check' again.") from error
    return result


def require_quiet(path: Path) -> dict[str, Any]:
    """Return the newest result if it has no alarm.

    Raises:
        NotCheckedError: No check has run.
        AlarmError: The check raised alarms.
    """
    result = read_result(path)
    if result is None:
        raise NotCheckedError(f"{path} is missing: no check has run. Run 'python -m monitoring check' first.")
    if result["alarms"]:
        lines = [f"{alarm['watch']}: {alarm['what']}. {alarm['next_step']}" for alarm in result["alarms"]]
        raise AlarmError(f"{len(lines)} alarms of {result['checked_at']}.\n" + "\n".join(lines))
    return result
