"""Training of the two-tower model, and its export to ONNX."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ml.config import Retrieval
from ml.errors import DivergenceError, NotEnoughData
from ml.export import export_onnx
from ml.retrieval.examples import SnapshotExamples, batches
from ml.retrieval.legacy_keras import keras, reproducible, tf
from ml.retrieval.model import TwoTower
from ml.retrieval.towers import CandidateTower, QueryTower
from scoring.vocabulary import Vocabulary

Evaluate = Callable[[TwoTower], float]


def train(
    snapshots: Sequence[SnapshotExamples],
    vocabulary: Vocabulary,
    config: Retrieval,
    seed: int,
    evaluate: Evaluate,
    logs: Path,
) -> tuple[TwoTower, list[dict[str, float]]]:
    """Train on every snapshot, newest data last in nothing but time: batches are shuffled over all of them.

    Returns the model and its learning curve, one row an epoch: `loss`, `recall` (what `evaluate` says of a
    snapshot that training never sees), `examples_per_second`. Raises DivergenceError, naming the configuration,
    if the loss stops being finite.
    """
    positives = sum(snapshot.positives for snapshot in snapshots)
    if positives == 0:
        raise NotEnoughData("No customer bought a product for the first time in any training window.")
    reproducible(seed)
    rng = np.random.default_rng(seed)
    model = TwoTower(vocabulary, config)
    total = config.epochs * sum(-(-len(part.firsts) // config.customers_per_batch) for part in snapshots)
    optimizer = keras.optimizers.legacy.Adam(
        keras.optimizers.schedules.CosineDecay(config.learning_rate, total, alpha=0.05)
    )
    writer = tf.summary.create_file_writer(str(logs))

    @tf.function(reduce_retracing=True)
    def step(inputs: dict) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(inputs, training=True)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    curve = []
    for epoch in range(1, config.epochs + 1):
        started, losses = time.perf_counter(), []
        for batch in batches(snapshots, config.customers_per_batch, config.uniform_negatives, rng):
            losses.append(float(step(vars(batch))))
            if not np.isfinite(losses[-1]):
                raise DivergenceError(
                    f"The two-tower loss became {losses[-1]} in epoch {epoch} with {config}. Nothing was "
                    "published; lower retrieval.learning_rate in ml/config.toml."
                )
        rate = positives / (time.perf_counter() - started)
        row = {"epoch": epoch, "loss": float(np.mean(losses)), "recall": evaluate(model)}
        curve.append(row | {"examples_per_second": rate})
        print(
            f"epoch {epoch}/{config.epochs}: loss {row['loss']:.3f}, explore Recall@100 {row['recall']:.4f}, "
            f"{rate:,.0f} examples/s",
            flush=True,
        )
        with writer.as_default(step=epoch):
            for name, value in curve[-1].items():
                tf.summary.scalar(f"retrieval/{name}", value)
    return model, curve


def export(model: TwoTower, query_path: Path, candidate_path: Path) -> None:
    """Write both towers as ONNX, so that serving needs no TensorFlow."""
    export_onnx(lambda inputs: model.query_tower(inputs), QueryTower.signature(), query_path)
    export_onnx(lambda inputs: model.candidate_tower(inputs), CandidateTower.signature(), candidate_path)
