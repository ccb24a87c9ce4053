"""Rankers that can compete: one file each, whose name is the ranker's name in `config.toml`.

A file defines one `keras.Model` with the constructor `(sizes, scaling, config)`: the vocabulary's size of each
categorical feature, an `inputs.Scaling` and the `RankingConfig`. The model takes numeric `[…, features]` and
categorical `[…, fields]` and returns logits `[…, len(SLATES)]`.
"""

from collections.abc import Callable
from typing import Any

from ml.plugins import RANKERS


def ranker_class(name: str) -> Callable[..., Any]:
    """Return the model class of the ranker called `name`. Raises ConfigError for an unknown name or a faulty file."""
    from ml.keras_setup import keras  # here, because it imports TensorFlow

    found: Callable[..., Any] = RANKERS.load(name, lambda found: issubclass(found, keras.Model))
    return found
