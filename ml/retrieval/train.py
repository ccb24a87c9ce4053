"""Train the two-tower model and export it to ONNX."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.config import RetrievalConfig
from ml.errors import NotEnoughDataError
from ml.keras_setup import keras, reproducible
from ml.onnx_export import export_onnx
from ml.retrieval.examples import SnapshotExamples, batches, masked_history_batches
from ml.retrieval.model import TwoTower
from ml.retrieval.towers import CandidateTower
from ml.training_loop import TrainingLoop
from scoring.vocabulary import Vocabulary

Evaluate = Callable[[TwoTower], float]

PRETRAINING, NEW_PURCHASES = "masked histories", "new purchases"
"""Phases of training, in their order."""


def train(
    snapshots: Sequence[SnapshotExamples],
    vocabulary: Vocabulary,
    config: RetrievalConfig,
    encoder: str,
    seed: int,
    evaluate: Evaluate,
    logs: Path,
) -> tuple[TwoTower, list[dict[str, Any]]]:
    """Pretrain on the newest snapshot's masked histories, then train on the new purchases after every snapshot.

    Args:
        snapshots: Newest first; their batches are shuffled over all of them.
        vocabulary: Values of the categorical features.
        config: The section `[retrieval]`.
        encoder: Encoder of the query tower, a name in `encoders/`.
        seed: The same seed gives the same weights.
        evaluate: Returns the recall of a model on a held-out snapshot.
        logs: Folder of the TensorBoard log.

    Returns:
        The model and its learning curve, one row per epoch: `phase`, `epoch` and `loss`; `recall` at the end of the
        pretraining and after each epoch of new purchases; `examples_per_second` of new purchases.

    Raises:
        NotEnoughDataError: No customer bought a product for the first time after a snapshot.
        DivergenceError: The loss is not finite; the message names the configuration.
    """
    positives = sum(snapshot.positives for snapshot in snapshots)
    if positives == 0:
        raise NotEnoughDataError(
            f"Nothing to train on: in none of the {len(snapshots)} training windows did a customer buy one of the "
            f"{len(snapshots[0].candidates['product_id']):,} products for the first time."
        )
    reproducible(seed)
    rng = np.random.default_rng(seed)
    model = TwoTower(vocabulary, config, encoder)
    steps = [-(-len(part.new_purchases) // config.customers_per_batch) for part in snapshots]
    total = config.pretraining_epochs * steps[0] + config.epochs * sum(steps)
    loop = TrainingLoop(
        name=encoder,
        model=model,
        compute_loss=lambda inputs: model.compute_loss(inputs, training=True),
        optimizer=keras.optimizers.legacy.Adam(
            keras.optimizers.schedules.CosineDecay(config.learning_rate, total, alpha=0.05)
        ),
        epochs=config.pretraining_epochs + config.epochs,
        logs=logs,
        tag="retrieval",
        config=config,
        learning_rate="retrieval.learning_rate",
    )
    size, negatives = config.customers_per_batch, config.uniform_negatives
    for epoch in range(1, config.pretraining_epochs + 1):
        loss = loop.train(masked_history_batches(snapshots[0], size, negatives, rng), PRETRAINING)
        is_last = epoch == config.pretraining_epochs
        loop.record({"loss": loss} | ({"recall": evaluate(model)} if is_last else {}), PRETRAINING)
    for _ in range(config.epochs):
        started = time.perf_counter()
        loss = loop.train(batches(snapshots, size, negatives, rng), NEW_PURCHASES)
        rate = positives / (time.perf_counter() - started)
        loop.record({"loss": loss, "recall": evaluate(model), "examples_per_second": rate}, NEW_PURCHASES)
    return model, loop.curve


def export(model: TwoTower, query_path: Path, candidate_path: Path) -> None:
    """Write both towers as ONNX, so that serving needs no TensorFlow."""
    export_onnx(lambda inputs: model.query_tower(inputs), model.query_tower.signature(), query_path)
    export_onnx(lambda inputs: model.candidate_tower(inputs), CandidateTower.signature(), candidate_path)
