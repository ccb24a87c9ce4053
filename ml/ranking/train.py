"""Training of a ranker on listwise losses, one a slate, and its export to ONNX."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.config import RankingConfig
from ml.errors import DivergenceError, NotEnoughDataError
from ml.keras_setup import keras, reproducible, tf
from ml.onnx_export import export_onnx
from ml.ranking.examples import TOO_FEW_LISTS, RankingExamples, batches, train_holdout_split
from ml.ranking.holdout_metrics import holdout_metrics
from ml.ranking.inputs import Scaling
from ml.ranking.losses import approximate_ndcg, softmax
from ml.ranking.models import ranker_class
from scoring.rank_features import CATEGORICAL, FEATURE_GROUPS, NUMERIC
from scoring.vocabulary import Vocabulary

SCALING_ROWS = 200_000
EMA_HORIZON = 0.3
"""How long the averaged weights remember, as a share of all steps."""
SHOWN = ("all NDCG@10", "explore NDCG@20")


def train(
    name: str,
    snapshots: Sequence[RankingExamples],
    vocabulary: Vocabulary,
    config: RankingConfig,
    seed: int,
    logs: Path,
    after_epoch: Callable[[int, Any], None] = lambda epoch, model: None,
) -> tuple[Any, list[dict[str, float]]]:
    """Train the ranker called `name`; returns the model and its learning curve, one row an epoch.

    The model's weights are a moving average of those trained at a constant rate (Polyak & Juditsky 1992): half of what
    the mean of several models brings, at the price of one. A row holds `loss`, `examples_per_second` and the scores on
    the lists held out (`ml.ranking.holdout_metrics`). `after_epoch` looks at the model after each epoch, and may end
    the training by an exception. Raises DivergenceError, naming the configuration, if the loss stops
    being finite.
    """
    if not any(part.bought.any() for part in snapshots):
        lists = sum(len(part.ends) for part in snapshots)
        raise NotEnoughDataError(
            f"Nothing to train on: in the {lists:,} lists of {len(snapshots)} training windows no candidate was bought."
        )
    reproducible(seed)
    rng = np.random.default_rng(seed)
    sizes = [vocabulary.size(field) for field in CATEGORICAL]
    places, held_out = train_holdout_split(snapshots, config.holdout_share, rng)
    if not places or not held_out:
        raise NotEnoughDataError(TOO_FEW_LISTS)
    rows = sum(snapshots[number].rows(row).stop - snapshots[number].rows(row).start for number, row in places)
    off = [
        column for column, feature in enumerate(NUMERIC) if FEATURE_GROUPS[feature] in config.disabled_feature_groups
    ]
    model = ranker_class(name)(sizes, _scaling(snapshots, rng).mask_columns(off), config)
    optimizer = keras.optimizers.legacy.Adam(config.learning_rate)
    steps = config.epochs * -(-len(places) // config.customers_per_batch)
    average = tf.train.ExponentialMovingAverage(1.0 - 1.0 / max(EMA_HORIZON * steps, 1.0))
    writer = tf.summary.create_file_writer(str(logs))

    @tf.function(reduce_retracing=True)
    def step(numeric, categorical, bought, is_repeat, weight):  # type: ignore[no-untyped-def]
        with tf.GradientTape() as tape:
            loss = _loss(model(numeric, categorical), bought, is_repeat, weight, config.softmax_loss_weight)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        average.apply(variables)
        return loss

    score = tf.function(lambda numeric, categorical: model(numeric, categorical), reduce_retracing=True)
    curve = []
    for epoch in range(1, config.epochs + 1):
        started, losses = time.perf_counter(), []
        for batch in batches(snapshots, places, config.customers_per_batch, rng):
            losses.append(float(step(batch.numeric, batch.categorical, batch.bought, batch.is_repeat, batch.weight)))
            if not np.isfinite(losses[-1]):
                raise DivergenceError(
                    f"The loss of ranker '{name}' became {losses[-1]} in epoch {epoch} with {config}. Nothing "
                    "was published; lower ranking.learning_rate in ml/config.toml."
                )
        per_second = rows / (time.perf_counter() - started)
        trained = [variable.numpy() for variable in model.trainable_variables]
        _assign(model, [average.average(variable) for variable in model.trainable_variables])
        seen = holdout_metrics(snapshots, held_out, lambda *features: score(*features).numpy())
        curve.append({"epoch": epoch, "loss": float(np.mean(losses)), "examples_per_second": per_second} | seen)
        print(
            f"epoch {epoch}/{config.epochs}: loss {curve[-1]['loss']:.4f}, {per_second:,.0f} examples/s"
            + "".join(f", {key} {value:.4f}" for key, value in seen.items() if key in SHOWN),
            flush=True,
        )
        with writer.as_default(step=epoch):
            for key, value in curve[-1].items():
                # One tag for all rankers: each writes to a folder of its own, so TensorBoard draws them in one chart.
                tf.summary.scalar(f"ranker/{key}", value)
        after_epoch(epoch, model)
        if epoch < config.epochs:
            _assign(model, trained)
    return model, curve


def export(model: Any, path: Path) -> None:
    """Write the ranker as ONNX with the inputs that `scoring.models.ranker.Ranker` feeds."""
    signature = {
        "numeric": tf.TensorSpec([None, len(NUMERIC)], tf.float32, name="numeric"),
        "categorical": tf.TensorSpec([None, len(CATEGORICAL)], tf.int32, name="categorical"),
    }
    export_onnx(lambda inputs: model(inputs["numeric"], inputs["categorical"]), signature, path)


def _assign(model: Any, values: Sequence[Any]) -> None:
    for variable, value in zip(model.trainable_variables, values, strict=True):
        variable.assign(value)


def _loss(logits: tf.Tensor, bought: tf.Tensor, is_repeat: tf.Tensor, weight: tf.Tensor, share: float) -> tf.Tensor:
    """The `all` head is judged on every candidate, the `explore` head on new ones only."""
    bought = tf.cast(bought, tf.float32)
    new = 1.0 - tf.cast(is_repeat, tf.float32)
    everything = (1 - share) * approximate_ndcg(logits[..., 0], bought, weight) + share * softmax(
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
