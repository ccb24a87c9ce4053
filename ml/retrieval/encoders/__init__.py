"""History encoders of the query tower: one file each, whose name is the encoder's name in `config.toml`.

A file defines one `keras.layers.Layer` whose constructor takes the shared `EmbeddingTables`. The layer takes the query
tower's inputs and returns `[customers, …]`; its `signature()` names the inputs that it reads. `a+b` concatenates the
outputs of two encoders.
"""

from typing import Any

from ml.plugins import ENCODERS
from scoring.models.two_tower import SEQUENCE_PREFIX


def encoder_classes(name: str) -> list[Any]:
    """Return the layer classes of a name such as `pooled` or `pooled+gru`. Raises ConfigError for an unknown one."""
    from ml.keras_setup import keras  # here, because it imports TensorFlow

    return [ENCODERS.load(part, lambda found: issubclass(found, keras.layers.Layer)) for part in name.split("+")]


def reads_sequences(name: str) -> bool:
    """Return whether an encoder of that name needs `scoring.models.two_tower.sequence_inputs`."""
    return any(field.startswith(SEQUENCE_PREFIX) for layer in encoder_classes(name) for field in layer.signature())
