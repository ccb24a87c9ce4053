"""Fixed vocabularies: the categories a model was trained with, each with its number."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

UNKNOWN = 0
"""The number of every value that training did not see; real values start at 1."""


class Vocabulary:
    """Numbers for the values of each field (`product_id`, `department`, … and the customer's traits)."""

    def __init__(self, values: Mapping[str, Iterable[str]]):
        self.values = {field: list(items) for field, items in values.items()}
        self._codes = {
            field: {value: code for code, value in enumerate(items, start=1)} for field, items in self.values.items()
        }

    def size(self, field: str) -> int:
        """Return how many numbers the field needs, including `UNKNOWN`."""
        return len(self.values[field]) + 1

    def encode(self, field: str, values: Iterable[str]) -> np.ndarray:
        """Return the numbers of `values`, int32 `[n]`; values that training did not see become `UNKNOWN`."""
        codes = self._codes[field]
        return np.fromiter((codes.get(value, UNKNOWN) for value in values), dtype=np.int32)

    def save(self, path: Path) -> None:
        """Write the values as JSON."""
        path.write_text(json.dumps(self.values))

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what `save` wrote."""
        return cls(json.loads(path.read_text()))
