"""Fixed vocabularies: the categories a model was trained with, each with its number."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

UNKNOWN = 0
"""The number of every value that was not there in training; real values start at 1."""


class Vocabulary:
    """Numbers for the values of each field (`product_id`, `department`, … and the customer's traits)."""

    def __init__(self, values: Mapping[str, Iterable[str]]):
        self.values = {field: list(items) for field, items in values.items()}
        self._codes = {
            field: {value: code for code, value in enumerate(items, start=1)} for field, items in self.values.items()
        }

    def size(self, field: str) -> int:
        """How many numbers the field needs, the unknown one included."""
        return len(self.values[field]) + 1

    def encode(self, field: str, values: Iterable[str]) -> np.ndarray:
        """Numbers of `values` as int32 `[n]`; values never seen in training become `UNKNOWN`."""
        codes = self._codes[field]
        return np.fromiter((codes.get(value, UNKNOWN) for value in values), dtype=np.int32)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.values))

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        return cls(json.loads(path.read_text()))
