"""The rankers that can compete: one file each, whose name is the ranker's in `config.toml` and on the command line.

A file holds one `keras.Model`, made with `(sizes, scaling, config)`: the vocabulary's size for each categorical
feature, `inputs.Scaling` and `config.Ranking`. Called with numeric `[…, features]` and categorical `[…, fields]` it
returns logits `[…, len(SLATES)]`.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ml.errors import ConfigError


def names() -> list[str]:
    """Every ranker's name; looks at the files and imports none, so that reading a configuration takes no TensorFlow."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__))


def unknown(name: str) -> str:
    return f"There is no ranker '{name}'. Known rankers: {', '.join(names())}."


def ranker(name: str) -> Callable[..., Any]:
    """The model of that name. ConfigError lists the known ones, or says what is wrong with the file."""
    if name not in names():
        raise ConfigError(unknown(name))
    module = import_module(f"{__name__}.{name}")
    from ml.keras_setup import keras

    models = [
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, keras.Model) and found.__module__ == module.__name__
    ]
    if len(models) != 1:
        raise ConfigError(f"{module.__file__} holds {len(models)} Keras models, but a ranker's file holds one.")
    return models[0]
