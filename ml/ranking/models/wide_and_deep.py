"""Implement Wide & Deep (Cheng et al. 2016): a linear part that memorises and a network that generalises."""

from ml.config import RankingConfig
from ml.keras_setup import keras, tf
from ml.ranking.inputs import Categories, Numeric, Scaling
from scoring.models.ranker import SLATES


class WideAndDeep(keras.Model):
    """Add a linear model of the numbers (wide) and an MLP of the numbers and category embeddings (deep).

    Input: numeric `[…, features]` and categorical `[…, fields]`; output `[…, len(SLATES)]` logits.
    """

    def __init__(self, sizes: list[int], scaling: Scaling, config: RankingConfig):
        super().__init__()
        self.numbers = Numeric(scaling)
        self.categories = Categories(sizes, config.embedding)
        self.deep = keras.Sequential(
            [
                keras.layers.Dense(128, activation="relu"),
                keras.layers.Dense(64, activation="relu"),
                keras.layers.Dense(len(SLATES)),
            ]
        )
        self.wide = keras.layers.Dense(len(SLATES), use_bias=False)

    def call(self, numeric: tf.Tensor, categorical: tf.Tensor) -> tf.Tensor:
        """Return the logits of both slates."""
        numbers = self.numbers(numeric)
        return self.deep(tf.concat([numbers, *self.categories(categorical)], axis=-1)) + self.wide(numbers)
