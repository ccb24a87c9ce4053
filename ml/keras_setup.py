"""The one place that imports TensorFlow and TFRS.

TFRS 0.7 works with Keras 2 only; TensorFlow reads this variable when it is first imported. It is the single
exception to "importing a module does nothing".
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
import tensorflow_recommenders as tfrs

keras = tf.keras


def reproducible(seed: int) -> None:
    """From here on the same seed gives the same weights, bit by bit on one machine (for a tenth more time)."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


__all__ = ["keras", "reproducible", "tf", "tfrs"]
