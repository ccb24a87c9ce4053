"""Implement DLRM (Naumov et al. 2019): pairwise dot products of embeddings and dense features."""

from ml.config import RankingConfig
from ml.keras_setup import keras, tf
from ml.ranking.inputs import Categories, Numeric, Scaling
from scoring.models.ranker import SLATES


class DLRM(keras.Model):
    """Combine a bottom MLP of the numbers, embeddings of the categories, all pairwise dot products and a top MLP.

    A linear part reads the numbers directly, because recency and frequency of a customer's repeat purchases decide
    the head of the list and should not pass through a bottleneck.

    Input: numeric `[…, features]` and categorical `[…, fields]`; output `[…, len(SLATES)]` logits.
    """

    def __init__(self, sizes: list[int], scaling: Scaling, config: RankingConfig):
        super().__init__()
        self.numbers = Numeric(scaling)
        self.categories = Categories(sizes, config.embedding)
        self.bottom = keras.Sequential(
            [keras.layers.Dense(128, activation="relu"), keras.layers.Dense(64, activation="relu")]
        )
        self.project = keras.layers.Dense(config.embedding)
        self.top = keras.Sequential([keras.layers.Dense(64, activation="relu"), keras.layers.Dense(len(SLATES))])
        self.wide = keras.layers.Dense(len(SLATES), use_bias=False)

    def call(self, numeric: tf.Tensor, categorical: tf.Tensor) -> tf.Tensor:
        """Return the logits of both slates."""
        numbers = self.numbers(numeric)
        bottom = self.bottom(numbers)
        vectors = [self.project(bottom), *self.categories(categorical)]
        dots = [
            tf.reduce_sum(left * right, axis=-1, keepdims=True)
            for i, left in enumerate(vectors)
            for right in vectors[:i]
        ]
        return self.top(tf.concat([bottom, *vectors, *dots], axis=-1)) + self.wide(numbers)
