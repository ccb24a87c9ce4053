"""Define the two towers as Keras models over shared embedding tables."""

from ml.config import RetrievalConfig
from ml.keras_setup import keras, tf
from ml.retrieval.encoders import encoder_classes
from scoring.models.two_tower import CANDIDATE_FIELDS
from scoring.schema import ACTIVITY, PROFILE
from scoring.vocabulary import Vocabulary

WIDTHS = {
    "product_id": 48,
    "product_type": 32,
    "category": 16,
    "department": 8,
    "manufacturer_id": 16,
    "brand": 4,
}
"""Embedding width of each field."""


class EmbeddingTables(keras.layers.Layer):
    """Hold one embedding table per field, which both towers share."""

    def __init__(self, vocabulary: Vocabulary):
        super().__init__()
        self.tables = {
            field: keras.layers.Embedding(
                vocabulary.size(field),
                WIDTHS[field],
                embeddings_initializer=keras.initializers.RandomNormal(stddev=0.2),
                name=field,
            )
            for field in CANDIDATE_FIELDS
        }

    def call(self, field: str, codes: tf.Tensor) -> tf.Tensor:
        """Return the embeddings `[…, width]` of the vocabulary numbers `[…]` of a field."""
        return self.tables[field](codes)


class QueryTower(keras.Model):
    """Embed a customer's recent history and profile, without a customer id, so that new customers have a vector.

    `encoder` (a file in `encoders/`) encodes the history. Inputs as `scoring.models.two_tower.query_inputs`; output
    `[customers, dimensions]`, L2-normalised.
    """

    def __init__(self, tables: EmbeddingTables, config: RetrievalConfig, encoder: str):
        super().__init__()
        self.encoders = [encoder_class(tables) for encoder_class in encoder_classes(encoder)]
        self.hidden = keras.layers.Dense(256, activation="relu")
        self.out = keras.layers.Dense(config.dimensions)

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the vectors of the customers."""
        parts = [inputs["profile"], *(encode(inputs) for encode in self.encoders)]
        return tf.math.l2_normalize(self.out(self.hidden(tf.concat(parts, axis=-1))), axis=-1)

    def signature(self) -> dict[str, tf.TensorSpec]:
        """Return shape and type of each input, by name."""
        specs = {"profile": tf.TensorSpec([None, len(PROFILE)], tf.float32, name="profile")}
        for encode in self.encoders:
            specs |= encode.signature()
        return specs


class CandidateTower(keras.Model):
    """Embed a product by its id and its content, so that new products can be retrieved on their first day.

    Inputs as `scoring.models.two_tower.candidate_inputs`; output `[products, dimensions]`, L2-normalised. In training
    the ids of a random part of the products are dropped, so that content alone can retrieve a product.
    """

    def __init__(self, tables: EmbeddingTables, config: RetrievalConfig):
        super().__init__()
        self.tables = tables
        self.id_dropout = config.id_dropout
        self.hidden = keras.layers.Dense(256, activation="relu")
        self.out = keras.layers.Dense(config.dimensions)

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Return the vectors of the products; ids are dropped only in training."""
        ids = inputs["product_id"]
        if training:
            ids = tf.where(tf.random.uniform(tf.shape(ids)) < self.id_dropout, 0, ids)
        parts = [self.tables("product_id", ids), inputs["activity"]]
        parts += [self.tables(field, inputs[field]) for field in CANDIDATE_FIELDS if field != "product_id"]
        return tf.math.l2_normalize(self.out(self.hidden(tf.concat(parts, axis=-1))), axis=-1)

    @staticmethod
    def signature() -> dict[str, tf.TensorSpec]:
        """Return shape and type of each input, by name."""
        codes = {field: tf.TensorSpec([None], tf.int32, name=field) for field in CANDIDATE_FIELDS}
        return codes | {"activity": tf.TensorSpec([None, len(ACTIVITY)], tf.float32, name="activity")}
