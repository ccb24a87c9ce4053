"""The retrieval model: both towers under TFRS' sampled softmax."""

from typing import Any

from ml.config import RetrievalConfig
from ml.keras_setup import tf, tfrs
from ml.retrieval.towers import CandidateTower, EmbeddingTables, QueryTower
from scoring.vocabulary import Vocabulary


class TwoTower(tfrs.Model):
    """In-batch softmax with logQ correction, accidental hits removed, uniform negatives beside the batch's own."""

    def __init__(self, vocabulary: Vocabulary, config: RetrievalConfig, encoder: str):
        super().__init__()
        tables = EmbeddingTables(vocabulary)
        self.query_tower = QueryTower(tables, config, encoder)
        self.candidate_tower = CandidateTower(tables, config)
        self.task = tfrs.tasks.Retrieval(
            temperature=config.temperature, remove_accidental_hits=True, batch_metrics=None
        )

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> tf.Tensor:
        """Mean loss over the positives. `inputs` holds a `Batch`'s fields by name."""
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
