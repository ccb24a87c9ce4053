"""Train a ranker on listwise losses, one per slate, and export it to ONNX."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.config import RankingConfig
from ml.errors import NotEnoughDataError
from ml.keras_setup import keras, reproducible, tf
from ml.onnx_export import export_onnx
from ml.ranking.examples import TOO_FEW_LISTS, RankingExamples, batches, train_holdout_split
from ml.ranking.holdout_metrics import SELECTION_METRICS, holdout_metrics
from ml.ranking.inputs import Scaling
from ml.ranking.losses import approximate_ndcg, softmax
from ml.ranking.models import ranker_class
from ml.training_loop import TrainingLoop
from scoring.rank_features import CATEGORICAL, FEATURE_GROUPS, NUMERIC
from scoring.vocabulary import Vocabulary

SCALING_ROWS = 200_000
"""Number of feature rows that the scaling is estimated from."""

EMA_HORIZON = 0.3
"""Time constant of the moving average of the weights, as a share of all steps."""


def train(
    name: str,
    snapshots: Sequence[RankingExamples],
    vocabulary: Vocabulary,
    config: RankingConfig,
    seed: int,
    logs: Path,
    after_epoch: Callable[[int, Any], None] = lambda epoch, model: None,
) -> tuple[Any, list[dict[str, float]]]:
    """Train the ranker called `name`.

    The model's weights are a moving average of those trained at a constant rate (Polyak & Juditsky 1992). The average
    brings half the gain of an ensemble of several models, at the cost of one.

    Args:
        name: The ranker's file in `models/`.
        snapshots: Training lists, newest snapshot first.
        vocabulary: Values of the categorical features.
        config: The section `[ranking]`.
        seed: The same seed gives the same weights.
        logs: Folder of the TensorBoard log.
        after_epoch: Called with the number of the epoch and the model; an exception that it raises ends the training.

    Returns:
        The model and its learning curve, one row per epoch: `epoch`, `loss`, `examples_per_second` and the metrics on
        the held-out lists (`ml.ranking.holdout_metrics`).

    Raises:
        NotEnoughDataError: No candidate was bought, or there are fewer than two lists.
        DivergenceError: The loss is not finite; the message names the configuration.
    """
    if not any(part.bought.any() for part in snapshots):
        lists = sum(len(part.ends) for part in snapshots)
        raise NotEnoughDataError(
            f"Nothing to train on: in the {lists:,} lists of {len(snapshots)} training windows no candidate was bought."
        )
    reproducible(seed)
    rng = np.random.default_rng(seed)
    sizes = [vocabulary.size(field) for field in CATEGORICAL]
    training, holdout = train_holdout_split(snapshots, config.holdout_share, rng)
    if not training or not holdout:
        raise NotEnoughDataError(TOO_FEW_LISTS)
    rows = sum(snapshots[number].rows(row).stop - snapshots[number].rows(row).start for number, row in training)
    disabled = [
        column for column, feature in enumerate(NUMERIC) if FEATURE_GROUPS[feature] in config.disabled_feature_groups
    ]
    model = ranker_class(name)(sizes, _scaling(snapshots, rng).mask_columns(disabled), config)
    steps = config.epochs * -(-len(training) // config.customers_per_batch)
    loop = TrainingLoop(
        name=name,
        model=model,
        compute_loss=lambda batch: _loss(model, batch, config.softmax_loss_weight),
        optimizer=keras.optimizers.legacy.Adam(config.learning_rate),
        epochs=config.epochs,
        logs=logs,
        tag="ranker",
        config=config,
        learning_rate="ranking.learning_rate",
        average_decay=1.0 - 1.0 / max(EMA_HORIZON * steps, 1.0),
    )
    score = tf.function(lambda numeric, categorical: model(numeric, categorical), reduce_retracing=True)
    for epoch in range(1, config.epochs + 1):
        started = time.perf_counter()
        loss = loop.train(batches(snapshots, training, config.customers_per_batch, rng))
        rate = rows / (time.perf_counter() - started)
        with loop.averaged_weights(keep=epoch == config.epochs):
            metrics = holdout_metrics(snapshots, holdout, lambda *features: score(*features).numpy())
            loop.record(
                {"loss": loss, "examples_per_second": rate} | metrics, hidden=metrics.keys() - set(SELECTION_METRICS)
            )
            after_epoch(epoch, model)
    return model, loop.curve


def export(model: Any, path: Path) -> None:
    """Write the ranker as ONNX, with the inputs that `scoring.models.ranker.Ranker` passes."""
    signature = {
        "numeric": tf.TensorSpec([None, len(NUMERIC)], tf.float32, name="numeric"),
        "categorical": tf.TensorSpec([None, len(CATEGORICAL)], tf.int32, name="categorical"),
    }
    export_onnx(lambda inputs: model(inputs["numeric"], inputs["categorical"]), signature, path)


def _loss(model: Any, batch: dict[str, tf.Tensor], softmax_weight: float) -> tf.Tensor:
    """Add the losses of both slates: every candidate trains the head `all`, new ones train the head `explore`."""
    logits, weight = model(batch["numeric"], batch["categorical"]), batch["weight"]
    bought = tf.cast(batch["bought"], tf.float32)
    new = 1.0 - tf.cast(batch["is_repeat"], tf.float32)
    everything = (1 - softmax_weight) * approximate_ndcg(logits[..., 0], bought, weight) + softmax_weight * softmax(
        logits[..., 0], bought, weight
    )
    return everything + softmax(logits[..., 1], bought * new, weight * new)


def _scaling(snapshots: Sequence[RankingExamples], rng: np.random.Generator) -> Scaling:
    share = SCALING_ROWS // len(snapshots)
    samples = []
    for part in snapshots:
        rows = np.sort(rng.choice(len(part.numeric), min(share, len(part.numeric)), replace=False))
        samples.append(part.numeric[rows])
    return Scaling.of(np.concatenate(samples))
