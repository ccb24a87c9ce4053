"""How raw features enter a ranker: scaled numbers, soft quantile steps, embeddings."""

from dataclasses import dataclass

import numpy as np

from ml.retrieval.legacy_keras import keras, tf
from scoring.towers import signed_log

STEPS = 10
"""Soft steps a feature, at its quantiles: what a tree's splits would be."""


@dataclass(frozen=True)
class Scaling:
    """Statistics of signed-log features: mean, deviation `[features]` and quantiles `[features, STEPS]`."""

    mean: np.ndarray
    deviation: np.ndarray
    quantiles: np.ndarray

    @classmethod
    def of(cls, numeric: np.ndarray) -> "Scaling":
        """Estimate from a sample of raw features `[rows, features]`."""
        values = signed_log(numeric.astype(np.float64))
        mean, deviation = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-3)
        standard = (values - mean) / deviation
        quantiles = np.quantile(standard, (np.arange(STEPS) + 0.5) / STEPS, axis=0).T
        return cls(mean.astype(np.float32), deviation.astype(np.float32), quantiles.astype(np.float32))


class Numeric(keras.layers.Layer):
    """Raw numbers `[…, features]` → standardised signed logs and soft steps, `[…, features * (1 + STEPS)]`."""

    def __init__(self, scaling: Scaling):
        super().__init__()
        self.scaling = scaling

    def call(self, numeric: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logs = tf.sign(numeric) * tf.math.log(1.0 + tf.abs(numeric))  # ONNX has no log1p
        standard = tf.clip_by_value((logs - self.scaling.mean) / self.scaling.deviation, -6.0, 6.0)
        steps = tf.sigmoid((standard[..., None] - self.scaling.quantiles) * 4.0)
        width = self.scaling.quantiles.shape[0] * STEPS
        flat = tf.reshape(steps, tf.concat([tf.shape(standard)[:-1], [width]], axis=0))
        flat.set_shape([*standard.shape[:-1], width])
        return standard, flat


class Categories(keras.layers.Layer):
    """Vocabulary numbers `[…, fields]` → one embedding a field, a list of `[…, width]`."""

    def __init__(self, sizes: list[int], width: int):
        super().__init__()
        self.tables = [keras.layers.Embedding(size, width) for size in sizes]

    def call(self, categorical: tf.Tensor) -> list[tf.Tensor]:
        return [table(categorical[..., i]) for i, table in enumerate(self.tables)]
