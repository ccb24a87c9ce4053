"""Import TensorFlow and TFRS, here only.

TFRS 0.7 works with Keras 2 only, and TensorFlow reads the variable below at its first import. So this module is the
single exception to "importing a module does nothing".
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
import tensorflow_recommenders as tfrs

keras = tf.keras


def reproducible(seed: int) -> None:
    """Make training deterministic: the same seed gives the same weights on one machine, for a tenth more time.

    Args:
        seed: Seed of Python, NumPy and TensorFlow.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


__all__ = ["keras", "reproducible", "tf", "tfrs"]
