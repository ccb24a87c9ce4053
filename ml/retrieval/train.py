"""Training of the two-tower model, and its export to ONNX."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.config import RetrievalConfig
from ml.errors import DivergenceError, NotEnoughDataError
from ml.keras_setup import keras, reproducible, tf
from ml.onnx_export import export_onnx
from ml.retrieval.examples import Batch, SnapshotExamples, batches, masked_history_batches
from ml.retrieval.model import TwoTower
from ml.retrieval.towers import CandidateTower
from scoring.vocabulary import Vocabulary

Evaluate = Callable[[TwoTower], float]

HISTORIES, FIRST_PURCHASES = "hidden histories", "first purchases"
"""What the towers learn, one after the other."""


def train(
    snapshots: Sequence[SnapshotExamples],
    vocabulary: Vocabulary,
    config: RetrievalConfig,
    encoder: str,
    seed: int,
    evaluate: Evaluate,
    logs: Path,
) -> tuple[TwoTower, list[dict[str, Any]]]:
    """Train on the newest snapshot's histories with parts hidden, then on the first purchases after every snapshot.

    snapshots: newest first; their batches are shuffled over all of them. encoder: a name in `encoders/`, how the query
    tower reads a history. Returns the model and its learning curve, one row an epoch: `phase`, `epoch`, `loss`; at the
    end of the histories and after each epoch of first purchases `recall` (what `evaluate` says of a snapshot that
    training never sees); of first purchases `examples_per_second`. Raises DivergenceError, naming the configuration,
    if the loss stops being finite.
    """
    positives = sum(snapshot.positives for snapshot in snapshots)
    if positives == 0:
        raise NotEnoughDataError(
            f"Nothing to train on: in none of the {len(snapshots)} training windows a customer bought one of the "
            f"{len(snapshots[0].candidates['product_id']):,} products for the first time."
        )
    reproducible(seed)
    rng = np.random.default_rng(seed)
    model = TwoTower(vocabulary, config, encoder)
    steps = [-(-len(part.firsts) // config.customers_per_batch) for part in snapshots]
    total = config.pretraining_epochs * steps[0] + config.epochs * sum(steps)
    optimizer = keras.optimizers.legacy.Adam(
        keras.optimizers.schedules.CosineDecay(config.learning_rate, total, alpha=0.05)
    )
    writer = tf.summary.create_file_writer(str(logs))

    @tf.function(reduce_retracing=True)
    def step(inputs: dict[str, Any]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(inputs, training=True)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    def learn(batches: Iterable[Batch], when: str) -> float:
        losses = []
        for batch in batches:
            losses.append(float(step(vars(batch))))
            if not np.isfinite(losses[-1]):
                raise DivergenceError(
                    f"The two-tower loss became {losses[-1]} in {when} with {config}. Nothing was "
                    "published; lower retrieval.learning_rate in ml/config.toml."
                )
        return float(np.mean(losses)) if losses else 0.0

    curve: list[dict[str, Any]] = []

    def note(phase: str, learned: dict[str, float]) -> None:
        row = {"phase": phase, "epoch": len(curve) + 1} | learned
        curve.append(row)
        said = ", ".join(f"{name} {value:,.4g}" for name, value in learned.items())
        of = config.pretraining_epochs + config.epochs
        print(f"{encoder}, epoch {row['epoch']}/{of} ({phase}): {said}", flush=True)
        with writer.as_default(step=row["epoch"]):
            for name, value in learned.items():
                tf.summary.scalar(f"retrieval/{name}", value)

    size, negatives = config.customers_per_batch, config.uniform_negatives
    for epoch in range(1, config.pretraining_epochs + 1):
        loss = learn(masked_history_batches(snapshots[0], size, negatives, rng), f"epoch {epoch} of {HISTORIES}")
        is_last = epoch == config.pretraining_epochs
        note(HISTORIES, {"loss": loss} | ({"recall": evaluate(model)} if is_last else {}))
    for epoch in range(1, config.epochs + 1):
        started = time.perf_counter()
        loss = learn(batches(snapshots, size, negatives, rng), f"epoch {epoch} of {FIRST_PURCHASES}")
        rate = positives / (time.perf_counter() - started)
        note(FIRST_PURCHASES, {"loss": loss, "recall": evaluate(model), "examples_per_second": rate})
    return model, curve


def export(model: TwoTower, query_path: Path, candidate_path: Path) -> None:
    """Write both towers as ONNX, so that serving needs no TensorFlow."""
    export_onnx(lambda inputs: model.query_tower(inputs), model.query_tower.signature(), query_path)
    export_onnx(lambda inputs: model.candidate_tower(inputs), CandidateTower.signature(), candidate_path)
