"""The three boundaries: which files, which frames, which checks.

A boundary is a generator of stages, each some checks and the frames they judge. The next stage is asked for only
if no critical check of the last one failed, so a stage may rely on what was checked before it.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from quality.check import Check
from quality.errors import NothingToCheckError

Stage = tuple[Sequence[Check], Mapping[str, pd.DataFrame]]
Stages = Generator[Stage, None, None]


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """The file's object; raises NothingToCheckError with the advice if there is none."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise NothingToCheckError(f"{path} cannot be read ({error}). {advice}") from error
    if not isinstance(found, dict):
        raise NothingToCheckError(f"{path} holds no JSON object. {advice}")
    return found
