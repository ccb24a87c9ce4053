"""Encode a history by a GRU (Cho et al. 2014; for recommendation Hidasi et al. 2016) over the latest products.

Each step is a product's embeddings, the days since the purchase, the days until the next step and the number of
baskets, because a sequence without time and frequency is worse than counting.
"""

from typing import Any

from ml.keras_setup import keras, tf
from scoring.models.two_tower import QUERY_FIELDS, SEQUENCE_LENGTH, SEQUENCE_TIMES

UNITS = 64


class Gru(keras.layers.Layer):
    """Return the state after the latest purchase, `[customers, UNITS]`."""

    def __init__(self, tables: Any):
        super().__init__()
        self.tables = tables
        self.step = keras.layers.Dense(UNITS)
        # Unrolled: forty small steps are faster than a loop, in training and in ONNX Runtime.
        self.gru = keras.layers.GRU(UNITS, unroll=True)

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Encode the sequences of the customers."""
        fields = [self.tables(field, inputs[f"sequence_{field}"]) for field in QUERY_FIELDS]
        steps = self.step(tf.concat([*fields, inputs["sequence_times"]], axis=-1))
        return self.gru(steps, mask=inputs["sequence_mask"] > 0)

    @staticmethod
    def signature() -> dict[str, tf.TensorSpec]:
        """Return shape and type of each input, by name."""
        codes = [f"sequence_{field}" for field in QUERY_FIELDS]
        return {name: tf.TensorSpec([None, SEQUENCE_LENGTH], tf.int32, name=name) for name in codes} | {
            "sequence_times": tf.TensorSpec(
                [None, SEQUENCE_LENGTH, len(SEQUENCE_TIMES)], tf.float32, name="sequence_times"
            ),
            "sequence_mask": tf.TensorSpec([None, SEQUENCE_LENGTH], tf.float32, name="sequence_mask"),
        }
