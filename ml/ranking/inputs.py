"""How raw features enter a ranker: scaled numbers and embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.keras_setup import keras, tf
from scoring.models.two_tower import signed_log


@dataclass(frozen=True)
class Scaling:
    """Statistics of signed-log features: mean and deviation, float32 `[features]`."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, numeric: np.ndarray) -> "Scaling":
        """Estimate from a sample of raw features `[rows, features]`."""
        values = signed_log(numeric.astype(np.float64))
        deviation = np.maximum(values.std(axis=0), 1e-3)
        return cls(values.mean(axis=0).astype(np.float32), deviation.astype(np.float32))

    def mask_columns(self, columns: Sequence[int]) -> "Scaling":
        """The same, with these columns always 0: what is divided by infinity says nothing."""
        deviation = self.deviation.copy()
        deviation[list(columns)] = np.inf
        return Scaling(self.mean, deviation)


class Numeric(keras.layers.Layer):
    """Raw numbers `[…, features]` → standardised signed logs, clipped at six deviations, same shape."""

    def __init__(self, scaling: Scaling):
        super().__init__()
        self.scaling = scaling

    def call(self, numeric: tf.Tensor) -> tf.Tensor:
        logs = tf.sign(numeric) * tf.math.log(1.0 + tf.abs(numeric))  # ONNX has no log1p
        return tf.clip_by_value((logs - self.scaling.mean) / self.scaling.deviation, -6.0, 6.0)


class Categories(keras.layers.Layer):
    """Vocabulary numbers `[…, fields]` → one embedding a field, a list of `[…, width]`."""

    def __init__(self, sizes: list[int], width: int):
        super().__init__()
        self.tables = [keras.layers.Embedding(size, width) for size in sizes]

    def call(self, categorical: tf.Tensor) -> list[tf.Tensor]:
        return [table(categorical[..., i]) for i, table in enumerate(self.tables)]
