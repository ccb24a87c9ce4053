"""The ranking model in ONNX Runtime: features in, one score per slate out."""

from pathlib import Path
from typing import Literal

import numpy as np

from scoring.models.two_tower import open_session

Slate = Literal["all", "explore"]
SLATES: tuple[Slate, ...] = ("all", "explore")
"""`all`: what the customer will buy next; `explore`: only products never bought before."""


class Ranker:
    """Scores candidates; column i of the result is the score for `SLATES[i]`.

    Args:
        path: The ONNX model.
        columns: The columns of the numeric features that the model reads; None if it reads all.
    """

    def __init__(self, path: Path, columns: np.ndarray | None = None):
        self._session = open_session(path)
        self._columns = columns

    def __call__(self, numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        """Score candidates, float32 `[n, len(SLATES)]`.

        Args:
            numeric: float32 `[n, features]`.
            categorical: int32 `[n, fields]`.
        """
        if self._columns is not None:
            numeric = numeric[:, self._columns]
        scores: np.ndarray = self._session.run(None, {"numeric": numeric, "categorical": categorical})[0]
        return scores
