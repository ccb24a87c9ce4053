"""Join both towers under the sampled softmax of TFRS."""

from typing import Any

from ml.config import RetrievalConfig
from ml.keras_setup import tf, tfrs
from ml.retrieval.towers import CandidateTower, EmbeddingTables, QueryTower
from scoring.vocabulary import Vocabulary


class TwoTower(tfrs.Model):
    """Train both towers by an in-batch softmax with logQ correction (Yi et al. 2019).

    Accidental hits are removed, and uniform negatives are added to those of the batch (Yang et al. 2020).
    """

    def __init__(self, vocabulary: Vocabulary, config: RetrievalConfig, encoder: str):
        super().__init__()
        tables = EmbeddingTables(vocabulary)
        self.query_tower = QueryTower(tables, config, encoder)
        self.candidate_tower = CandidateTower(tables, config)
        self.task = tfrs.tasks.Retrieval(
            temperature=config.temperature, remove_accidental_hits=True, batch_metrics=None
        )

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> tf.Tensor:
        """Return the mean loss over the positives.

        Args:
            inputs: The fields of a `Batch` by name.
            training: Whether product ids are dropped at random.
        """
        queries = tf.gather(self.query_tower(inputs["queries"]), inputs["query_of"])
        candidates = self.candidate_tower(inputs["candidates"], training=training)
        loss = self.task(
            queries,
            candidates,
            candidate_sampling_probability=inputs["probability"],
            candidate_ids=inputs["candidate_ids"],
            compute_metrics=False,
        )
        return loss / tf.cast(tf.shape(queries)[0], tf.float32)
