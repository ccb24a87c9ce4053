"""Encode a history by weighted averages of its products' embeddings over several horizons, without order."""

from typing import Any

from ml.keras_setup import keras, tf
from scoring.models.two_tower import HISTORY_LENGTH, HISTORY_WEIGHTS, QUERY_FIELDS


class Pooled(keras.layers.Layer):
    """Return the averages, `[customers, len(HISTORY_WEIGHTS) * widths of QUERY_FIELDS]`."""

    def __init__(self, tables: Any):
        super().__init__()
        self.tables = tables

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Encode the histories of the customers."""
        weights, parts = inputs["history_weights"], []
        for field in QUERY_FIELDS:
            embedded = self.tables(field, inputs[f"history_{field}"])
            pooled = tf.einsum("bhw,bhd->bwd", weights, embedded)
            parts.append(tf.reshape(pooled, [-1, len(HISTORY_WEIGHTS) * embedded.shape[-1]]))
        return tf.concat(parts, axis=-1)

    @staticmethod
    def signature() -> dict[str, tf.TensorSpec]:
        """Return shape and type of each input, by name."""
        codes = [f"history_{field}" for field in QUERY_FIELDS]
        weights = tf.TensorSpec([None, HISTORY_LENGTH, len(HISTORY_WEIGHTS)], tf.float32, name="history_weights")
        return {name: tf.TensorSpec([None, HISTORY_LENGTH], tf.int32, name=name) for name in codes} | {
            "history_weights": weights
        }
