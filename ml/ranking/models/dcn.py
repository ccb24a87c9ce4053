"""Implement DCN-v2 (Wang et al. 2021): low-rank cross layers that multiply features, in parallel with an MLP."""

from ml.config import RankingConfig
from ml.keras_setup import keras, tf
from ml.ranking.inputs import Categories, Numeric, Scaling
from scoring.models.ranker import SLATES

LAYERS = 2
RANK = 32


class DCN(keras.Model):
    """Combine cross layers x' = x0 · U(V(x)) + x (eq. 2 with the low rank of §4.3), an MLP and a linear part.

    Input: numeric `[…, features]` and categorical `[…, fields]`; output `[…, len(SLATES)]` logits.
    """

    def __init__(self, sizes: list[int], scaling: Scaling, config: RankingConfig):
        super().__init__()
        self.numbers = Numeric(scaling)
        self.categories = Categories(sizes, config.embedding)
        width = len(scaling.mean) + len(sizes) * config.embedding
        self.down = [keras.layers.Dense(RANK, use_bias=False) for _ in range(LAYERS)]
        self.up = [keras.layers.Dense(width) for _ in range(LAYERS)]
        self.deep = keras.Sequential(
            [keras.layers.Dense(128, activation="relu"), keras.layers.Dense(64, activation="relu")]
        )
        self.out = keras.layers.Dense(len(SLATES))
        self.wide = keras.layers.Dense(len(SLATES), use_bias=False)

    def call(self, numeric: tf.Tensor, categorical: tf.Tensor) -> tf.Tensor:
        """Return the logits of both slates."""
        numbers = self.numbers(numeric)
        first = tf.concat([numbers, *self.categories(categorical)], axis=-1)
        crossed = first
        for down, up in zip(self.down, self.up, strict=True):
            crossed = first * up(down(crossed)) + crossed
        return self.out(tf.concat([crossed, self.deep(first)], axis=-1)) + self.wide(numbers)
