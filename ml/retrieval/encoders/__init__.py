"""How the query tower can read a history: one file each, whose name is the encoder's in `config.toml`.

A file holds one `keras.layers.Layer`, made with the shared `EmbeddingTables`. Called with the query tower's inputs it
returns `[customers, …]`; its `signature()` says which of them it reads. `a+b` is two encoders side by side.
"""

import pkgutil
from importlib import import_module
from typing import Any

from ml.errors import ConfigError
from scoring.models.two_tower import SEQUENCE_PREFIX


def names() -> list[str]:
    """Every encoder's name; looks at the files and imports none: reading a configuration takes no TensorFlow."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__))


def unknown(name: str) -> str:
    """What is wrong with a name such as `pooled+gru`; empty if nothing is."""
    for part in name.split("+"):
        if part not in names():
            return f"There is no encoder '{part}'. Known encoders: {', '.join(names())}; 'a+b' is two side by side."
    return ""


def encoders(name: str) -> list[Any]:
    """The layers of a name such as `pooled` or `pooled+gru`, as classes; ConfigError lists the known ones."""
    if reason := unknown(name):
        raise ConfigError(reason)
    return [_layer(part) for part in name.split("+")]


def reads_sequences(name: str) -> bool:
    """Whether an encoder of that name needs `scoring.models.two_tower.sequence_inputs`."""
    return any(field.startswith(SEQUENCE_PREFIX) for encode in encoders(name) for field in encode.signature())


def _layer(name: str) -> Any:
    from ml.keras_setup import keras

    module = import_module(f"{__name__}.{name}")
    layers = [
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, keras.layers.Layer) and found.__module__ == module.__name__
    ]
    if len(layers) != 1:
        raise ConfigError(f"{module.__file__} holds {len(layers)} Keras layers, but an encoder's file holds one.")
    return layers[0]
