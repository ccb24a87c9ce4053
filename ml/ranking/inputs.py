"""Prepare raw features for a ranker: scaled numbers and embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.keras_setup import keras, tf
from scoring.models.two_tower import signed_log


@dataclass(frozen=True)
class Scaling:
    """Hold mean and standard deviation of signed-log features, float32 `[features]` each."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, numeric: np.ndarray) -> "Scaling":
        """Estimate the statistics from a sample of raw features `[rows, features]`."""
        values = signed_log(numeric.astype(np.float64))
        deviation = np.maximum(values.std(axis=0), 1e-3)
        return cls(values.mean(axis=0).astype(np.float32), deviation.astype(np.float32))

    def mask_columns(self, columns: Sequence[int]) -> "Scaling":
        """Return a scaling that sets these columns to 0, because it divides them by infinity."""
        deviation = self.deviation.copy()
        deviation[list(columns)] = np.inf
        return Scaling(self.mean, deviation)


class Numeric(keras.layers.Layer):
    """Turn raw numbers `[…, features]` into standardised signed logs, clipped at six deviations, of the same shape."""

    def __init__(self, scaling: Scaling):
        super().__init__()
        self.scaling = scaling

    def call(self, numeric: tf.Tensor) -> tf.Tensor:
        """Return the standardised signed logs."""
        logs = tf.sign(numeric) * tf.math.log(1.0 + tf.abs(numeric))  # ONNX has no log1p
        return tf.clip_by_value((logs - self.scaling.mean) / self.scaling.deviation, -6.0, 6.0)


class Categories(keras.layers.Layer):
    """Turn vocabulary numbers `[…, fields]` into one embedding per field, a list of `[…, width]`."""

    def __init__(self, sizes: list[int], width: int):
        super().__init__()
        self.tables = [keras.layers.Embedding(size, width) for size in sizes]

    def call(self, categorical: tf.Tensor) -> list[tf.Tensor]:
        """Return the embeddings, in the order of the fields."""
        return [table(categorical[..., i]) for i, table in enumerate(self.tables)]
