"""An encoder as plain arrays: layers that make the taste vector, and layers that score categories from it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

Layer = tuple[np.ndarray, np.ndarray]
"""Weights `[in, out]` and bias `[out]`; between two layers stands a hyperbolic tangent."""


@dataclass(frozen=True)
class Encoder:
    """Layers on both sides of the vector.

    Attributes:
        categories: the inputs, in order.
        encoding: layers from a customer to the vector.
        decoding: layers from the vector to a score per category.
    """

    categories: list[str]
    encoding: list[Layer]
    decoding: list[Layer]

    def encode(self, inputs: csr_matrix) -> np.ndarray:
        """Return the vectors of customers, float `[n, width]`."""
        return _through(self.encoding, inputs)

    def scores(self, inputs: csr_matrix) -> np.ndarray:
        """Return a score of each category, float `[n, categories]`."""
        return _through(self.decoding, self.encode(inputs))

    def write(self, file: Path) -> None:
        """Write the arrays into an .npz file."""
        arrays = {"categories": np.array(self.categories, dtype=np.str_)}
        for side, layers in (("encoding", self.encoding), ("decoding", self.decoding)):
            for index, (weights, bias) in enumerate(layers):
                arrays |= {f"{side}_{index}_weights": weights, f"{side}_{index}_bias": bias}
        np.savez(file, **arrays)  # type: ignore[arg-type]

    @classmethod
    def read(cls, file: Path) -> "Encoder":
        """Read what `write` wrote."""
        with np.load(file, allow_pickle=False) as arrays:
            sides = []
            for side in ("encoding", "decoding"):
                count = sum(name.startswith(side) and name.endswith("_bias") for name in arrays.files)
                sides.append([(arrays[f"{side}_{k}_weights"], arrays[f"{side}_{k}_bias"]) for k in range(count)])
            return cls(arrays["categories"].tolist(), *sides)


def _through(layers: list[Layer], values: csr_matrix | np.ndarray) -> np.ndarray:
    for index, (weights, bias) in enumerate(layers):
        values = (np.tanh(values) if index else values) @ weights + bias
    return np.asarray(values)
