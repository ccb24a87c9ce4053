"""The five boundaries: which files, which frames, which checks.

A boundary is a generator of stages, each some checks and the frames they judge. The next stage is asked for only
if no critical check of the last one failed, so a stage may rely on what was checked before it.
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
    """The file's object; raises NothingToCheckError with the advice if there is none, or if it lacks a needed field."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise NothingToCheckError(f"{path} cannot be read: {reason}. {advice}") from error
    if not isinstance(found, dict):
        raise NothingToCheckError(f"{path} holds no JSON object. {advice}")
    if missing := [name for name in needed if name not in found]:
        raise NothingToCheckError(f"{path} has no {', '.join(missing)}: it is damaged. {advice}")
    return found


def day_in(path: Path, advice: str) -> date:
    """The file's `as_of`; raises NothingToCheckError as `read_json` does, or if it is no day."""
    value = read_json(path, advice, "as_of")["as_of"]
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise NothingToCheckError(f"{path}: as_of is {value!r}, which is not a day. {advice}") from error
