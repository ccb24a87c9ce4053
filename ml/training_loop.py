"""Train towers and rankers in one loop: steps, check for divergence, learning curve, log and TensorBoard.

It is not `model.fit`, because here every step gets a batch of another size, the weights are swapped for their moving
average between epochs, and one random generator goes on from epoch to epoch. `fit` would need a generator with a
declared signature and one call per epoch.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ml.errors import DivergenceError
from ml.keras_setup import keras, tf

logger = logging.getLogger(__name__)


class TrainingLoop:
    """Train one model, epoch by epoch.

    Args:
        name: Name of the encoder or ranker, for log lines.
        model: The Keras model whose trainable variables the steps change.
        compute_loss: Loss of one batch, given as a dictionary of arrays.
        optimizer: A Keras optimizer.
        epochs: How many epochs are planned, for log lines.
        logs: Folder of the TensorBoard log.
        tag: TensorBoard's group of the figures, such as "retrieval". All rankers share one: each writes to a folder of
            its own, so TensorBoard draws them in one chart.
        config: The configuration, named when training diverges.
        learning_rate: Key of the learning rate in `ml/config.toml`, named when training diverges.
        average_decay: Decay of a moving average of the weights; None keeps no average.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        compute_loss: Callable[[dict[str, Any]], tf.Tensor],
        optimizer: keras.optimizers.Optimizer,
        epochs: int,
        logs: Path,
        tag: str,
        config: object,
        learning_rate: str,
        average_decay: float | None = None,
    ):
        self.curve: list[dict[str, Any]] = []
        """The learning curve, one row per epoch."""
        self._name, self._model, self._epochs = name, model, epochs
        self._tag, self._config, self._learning_rate = tag, config, learning_rate
        self._writer = tf.summary.create_file_writer(str(logs))
        average = None if average_decay is None else tf.train.ExponentialMovingAverage(average_decay)
        self._average = average

        @tf.function(reduce_retracing=True)
        def step(inputs: dict[str, Any]) -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = compute_loss(inputs)
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            if average is not None:
                average.apply(variables)
            return loss

        self._step = step

    def train(self, batches: Iterable[Any], phase: str | None = None) -> float:
        """Take one step per batch and return the mean loss, 0 without a batch.

        Args:
            batches: Dataclasses of arrays; the next epoch's batches.
            phase: The phase of training, if there are several.

        Raises:
            DivergenceError: The loss is not finite.
        """
        losses = []
        for batch in batches:
            losses.append(float(self._step(vars(batch))))
            if not np.isfinite(losses[-1]):
                where = f"epoch {len(self.curve) + 1}" + (f" ({phase})" if phase else "")
                raise DivergenceError(
                    f"The loss of '{self._name}' became {losses[-1]} in {where} with {self._config}. Nothing was "
                    f"published; lower {self._learning_rate} in ml/config.toml."
                )
        return float(np.mean(losses)) if losses else 0.0

    def record(self, figures: Mapping[str, float], phase: str | None = None, hidden: Iterable[str] = ()) -> None:
        """Add an epoch's figures to the learning curve, to the log and to TensorBoard.

        Args:
            figures: Figures by name, such as the loss.
            phase: The phase of training, if there are several.
            hidden: Names of figures that are left out of the log line.
        """
        epoch = len(self.curve) + 1
        self.curve.append(({} if phase is None else {"phase": phase}) | {"epoch": epoch} | dict(figures))
        unlogged = set(hidden)
        values = ", ".join(f"{key} {value:,.4g}" for key, value in figures.items() if key not in unlogged)
        logger.info("%s, epoch %d/%d%s: %s", self._name, epoch, self._epochs, f" ({phase})" if phase else "", values)
        with self._writer.as_default(step=epoch):
            for key, value in figures.items():
                tf.summary.scalar(f"{self._tag}/{key}", value)

    @contextmanager
    def averaged_weights(self, keep: bool) -> Iterator[None]:
        """Give the model the moving average of its weights inside the block.

        Args:
            keep: Whether the average stays after the block; otherwise the trained weights return, to be trained on.
        """
        if self._average is None:
            raise ValueError("This loop keeps no moving average.")
        variables = self._model.trainable_variables
        trained = [variable.numpy() for variable in variables]
        _assign(variables, [self._average.average(variable) for variable in variables])
        yield
        if not keep:
            _assign(variables, trained)


def _assign(variables: Iterable[Any], values: Iterable[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
