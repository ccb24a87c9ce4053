"""The ranking model outside TensorFlow: features in, one score a slate out."""

from pathlib import Path
from typing import Literal

import numpy as np

from scoring.models.two_tower import open_session

Slate = Literal["all", "explore"]
SLATES: tuple[Slate, ...] = ("all", "explore")
"""`all`: what the customer will buy next; `explore`: only products never bought before."""


class Ranker:
    """Scores candidates; column i of the result is the score for `SLATES[i]`."""

    def __init__(self, path: Path):
        self._session = open_session(path)

    def __call__(self, numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        """numeric float32 `[n, features]`, categorical int32 `[n, fields]` → float32 `[n, len(SLATES)]`."""
        scores: np.ndarray = self._session.run(None, {"numeric": numeric, "categorical": categorical})[0]
        return scores
