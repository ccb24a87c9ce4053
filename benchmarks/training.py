"""Measure how fast the two towers train, compared with the loop of the TFRS tutorials on the same data.

`python -m benchmarks.training` takes the data set of a finished run. Both loops train on the same pairs (a customer at
a snapshot, a product first bought after it) and take turns, each in its own process:

- reach: the step `train-retrieval` with two epochs of new purchases without evaluation; only the second counts.
- tutorial: `tfrs.Model` with `StringLookup` and embeddings of 32 in the model, averaged history strings, Adagrad,
  `model.fit` over a cached `tf.data.Dataset` in batches of 8,192, and FactorizedTopK over the catalogue in every step
  (TFRS' "Recommending movies: retrieval"). A second turn omits that metric, as TFRS' sequential tutorial does.

An example is a pair. The last line is one JSON object; `ratio` compares with the tutorial's loop with its metric.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.run_files import curve, scratch_run
from ml.data.dataset import Dataset
from ml.retrieval.examples import POSITIVES_PER_CUSTOMER, new_purchases
from ml.runs.artifacts import RETRIEVAL_CURVE
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from scoring.models.two_tower import HISTORY_LENGTH
from settings import ROOT, load_settings

LOOPS = ("reach", "tutorial", "tutorial_without_metric")
BATCH, WIDTH, LEARNING_RATE, METRIC_BATCH = 8192, 32, 0.1, 128
WARM_UP = 2
"""Steps of the tutorial's loop that do not count, because they trace the graph and fill the cache."""


@dataclass(frozen=True)
class Pairs:
    """Hold the training pairs of both loops.

    Attributes:
        histories: Product ids as strings, latest purchase first, padded with '', `[customers, HISTORY_LENGTH]`.
        customer: Row in `histories` of each pair, `[pairs]`.
        product: Id of the product first bought, `[pairs]`.
        catalogue: Ids of all products on offer at the newest snapshot.
    """

    histories: np.ndarray
    customer: np.ndarray
    product: np.ndarray
    catalogue: np.ndarray


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark of the command line, print its figures and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--run-id", default="latest", help="a run that was prepared (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each tutorial turn (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=2, help="turns of each loop (default: %(default)s)")
    parser.add_argument("--loop", choices=LOOPS, help="only this loop, once, in this process")
    options = parser.parse_args(arguments)
    run = Run(load_settings().paths.runs, options.run_id)
    if options.loop is not None:
        print(json.dumps(_measure(options.loop, run, options.seconds)))
        return 0
    rates: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    for turn in range(options.turns):
        for loop in LOOPS:
            rates[loop].append(_in_its_own_process(loop, options.run_id, options.seconds))
            print(f"turn {turn + 1}, {loop}: {rates[loop][-1]:,.0f} examples/s", flush=True)
    for path in sorted(run.folder.glob("ranker_*_curve.json")):
        seen = statistics.median(row["examples_per_second"] for row in curve(run, path.name))
        print(f"{path.name.removesuffix('_curve.json')} in this run: {seen:,.0f} candidates/s", flush=True)
    print(json.dumps(summary({loop: statistics.median(values) for loop, values in rates.items()})))
    return 0


def summary(rates: dict[str, float]) -> dict[str, float]:
    """Return the examples per second of each loop, and how many times faster Reach's loop is."""
    return {f"{loop}_examples_per_second": rates[loop] for loop in LOOPS} | {
        "ratio": rates["reach"] / rates["tutorial"],
        "ratio_without_metric": rates["reach"] / rates["tutorial_without_metric"],
    }


def _in_its_own_process(loop: str, run_id: str, seconds: float) -> float:
    """Measure a loop in a new process, because Reach's loop makes TensorFlow deterministic for the whole process."""
    command = [sys.executable, "-m", "benchmarks.training", "--run-id", run_id, "--loop", loop]
    done = subprocess.run(
        [*command, "--seconds", str(seconds)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def _measure(loop: str, run: Run, seconds: float) -> float:
    spec = RunSpec.read(run)
    if loop == "reach":
        return reach(run, spec)
    return tutorial(pairs(dataset(run), spec), seconds, with_metric=loop == "tutorial")


def reach(run: Run, spec: RunSpec) -> float:
    """Return the examples per second of the second epoch of the step `train-retrieval`."""
    from ml.steps.train_retrieval import train_retrieval

    retrieval = spec.config.retrieval.model_copy(update={"epochs": 2, "pretraining_epochs": 0})
    twice = replace(spec, config=spec.config.model_copy(update={"retrieval": retrieval}))
    with TemporaryDirectory(prefix=".bench.", dir=run.folder) as folder:
        scratch = scratch_run(run, twice, Path(folder))
        train_retrieval(scratch)
        return curve(scratch, RETRIEVAL_CURVE)[-1]["examples_per_second"]


def pairs(data: Dataset, spec: RunSpec) -> Pairs:
    """Return the new purchases after the run's retrieval snapshots, with the histories before them.

    The number of pairs per customer and the length of histories are those of Reach's loop.
    """
    rng = np.random.default_rng(spec.seed)
    histories: list[np.ndarray] = []
    customer: list[int] = []
    product: list[np.ndarray] = []
    for cut in spec.split.retrieval:
        labels, ids = data.labels(cut), np.array(data.products(cut).product_ids, dtype=str)
        index = {product_id: position for position, product_id in enumerate(ids.tolist())}
        for customer_id, one in zip(*data.customers(cut), strict=True):
            firsts = new_purchases(one, labels.get(customer_id, ()), index)
            if not len(firsts):
                continue
            firsts = rng.permutation(firsts)[:POSITIVES_PER_CUSTOMER]
            top = np.argsort(-one.history["decayed_120d"], kind="stable")[:HISTORY_LENGTH]
            row = np.full(HISTORY_LENGTH, "", dtype=object)
            row[: len(top)] = np.asarray(one.product_ids, dtype=object)[top]
            customer += [len(histories)] * len(firsts)
            product.append(ids[firsts])
            histories.append(row)
    catalogue = np.array(sorted(data.products(spec.split.retrieval[0]).product_ids), dtype=str)
    return Pairs(np.stack(histories), np.array(customer), np.concatenate(product), catalogue)


def tutorial(data: Pairs, seconds: float, with_metric: bool) -> float:
    """Return the examples per second of `model.fit`.

    Args:
        data: The pairs.
        seconds: Duration after the warm-up.
        with_metric: Whether each step computes FactorizedTopK.
    """
    from ml.keras_setup import keras, tf, tfrs

    class Query(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.lookup = keras.layers.StringLookup(vocabulary=data.catalogue, mask_token="")
            self.embedding = keras.layers.Embedding(len(data.catalogue) + 2, WIDTH, mask_zero=True)
            self.mean = keras.layers.GlobalAveragePooling1D()

        def call(self, history: Any) -> Any:
            return self.mean(self.embedding(self.lookup(history)))

    class Tutorial(tfrs.Model):
        def __init__(self) -> None:
            super().__init__()
            self.query = Query()
            self.candidate = keras.Sequential(
                [
                    keras.layers.StringLookup(vocabulary=data.catalogue, mask_token=None),
                    keras.layers.Embedding(len(data.catalogue) + 1, WIDTH),
                ]
            )
            products = tf.data.Dataset.from_tensor_slices(data.catalogue)
            metrics = tfrs.metrics.FactorizedTopK(candidates=products.batch(METRIC_BATCH).map(self.candidate))
            self.task = tfrs.tasks.Retrieval(metrics=metrics)

        def compute_loss(self, features: dict[str, Any], training: bool = False) -> Any:
            queries, candidates = self.query(features["history"]), self.candidate(features["product_id"])
            return self.task(queries, candidates, compute_metrics=with_metric or not training)

    class Clock(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.steps, self.started, self.rate = 0, 0.0, 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.steps += 1
            if self.steps == WARM_UP:
                self.started = time.perf_counter()
            elif self.steps > WARM_UP:
                passed = time.perf_counter() - self.started
                self.rate = (self.steps - WARM_UP) * size / passed
                if passed >= seconds:
                    raise _Enough

    keras.utils.set_random_seed(0)
    histories = tf.constant(data.histories.astype(str))
    size = min(BATCH, len(data.product))
    order = np.random.default_rng(0).permutation(len(data.product))
    rows = tf.data.Dataset.from_tensor_slices({"row": data.customer[order], "product_id": data.product[order]})
    examples = rows.map(lambda x: {"history": tf.gather(histories, x["row"]), "product_id": x["product_id"]})
    model, clock = Tutorial(), Clock()
    model.compile(optimizer=keras.optimizers.Adagrad(learning_rate=LEARNING_RATE))
    with contextlib.suppress(_Enough):
        model.fit(
            examples.shuffle(10_000).batch(size, drop_remainder=True).cache(),
            epochs=1_000_000,
            callbacks=[clock],
            verbose=0,
        )
    return clock.rate


class _Enough(Exception):  # noqa: N818 - it ends model.fit within an epoch
    """The time is over."""


if __name__ == "__main__":
    sys.exit(main())
