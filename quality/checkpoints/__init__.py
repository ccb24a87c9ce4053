"""Define the six checkpoints: their files, frames and checks.

A checkpoint is a generator of stages; each stage is a list of checks and the frames that they validate. The next stage
is computed only if no critical check of the last one failed, so a stage may rely on the stages before it.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from quality.check import Check
from quality.errors import NothingToCheckError

Stage = tuple[Sequence[Check], Mapping[str, pd.DataFrame]]
Stages = Generator[Stage, None, None]


def read_json(path: Path, advice: str, *needed: str) -> dict[str, Any]:
    """Read a JSON object from a file.

    Args:
        path: The file.
        advice: The next step, for the error's message.
        needed: Fields that the object must have.

    Returns:
        The object.

    Raises:
        NothingToCheckError: The file is missing or damaged, or a needed field is missing.
    """
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not valid JSON"
        raise NothingToCheckError(f"{path} cannot be read: {reason}. {advice}") from error
    if not isinstance(found, dict):
        raise NothingToCheckError(f"{path} holds no JSON object. {advice}")
    if missing := [name for name in needed if name not in found]:
        raise NothingToCheckError(f"{path} has no {', '.join(missing)}: it is damaged. {advice}")
    return found


def day_in(path: Path, advice: str) -> date:
    """Return the file's `as_of`; raise NothingToCheckError if the file cannot be read or the field is not a day."""
    value = read_json(path, advice, "as_of")["as_of"]
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise NothingToCheckError(f"{path}: as_of is {value!r}, which is not a day. {advice}") from error
