"""Train the two-tower model on new purchases and write both towers."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from ml.data.dataset import Dataset
from ml.metrics import DEPTH, mean, recall
from ml.retrieval import examples
from ml.retrieval.catalogue_builder import build_vocabulary, encode
from ml.retrieval.encoders import reads_sequences
from ml.retrieval.model import TwoTower
from ml.retrieval.train import export, train
from ml.runs.artifacts import ENCODERS, RETRIEVAL, RETRIEVAL_CURVE
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, VOCABULARY
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.customer.customer import Customer
from scoring.models.two_tower import candidate_inputs, query_inputs
from scoring.vocabulary import Vocabulary


def train_retrieval(run: Run) -> dict[str, Any]:
    """Write `retrieval/` with both towers in ONNX, the vocabulary and the learning curve.

    Each configured encoder trains a model. The model with the highest explore Recall@100 on a held-out snapshot is
    selected, the first one of equals. `encoders.json` has the recall of each. The evaluation window is not used.

    Args:
        run: A run with a training set.

    Returns:
        The selected encoder, its recall and its number of epochs.
    """
    spec, data = RunSpec.read(run), dataset(run)
    names = spec.config.retrieval.history_encoders
    sequences = any(reads_sequences(name) for name in names)
    vocabulary = build_vocabulary(data.products(spec.split.retrieval[0]))
    snapshots = [_examples(data, snapshot, vocabulary, sequences) for snapshot in spec.split.retrieval]
    held_out = HeldOut(data, spec.split.ranker[-1], vocabulary, sequences)
    curves: dict[str, list[dict[str, float]]] = {}
    seconds: dict[str, float] = {}
    selected = names[0]
    with run.publish_folder(RETRIEVAL) as folder:
        (folder / "model").mkdir()
        vocabulary.save(folder / VOCABULARY)
        for name in names:
            started = time.perf_counter()
            model, curves[name] = train(
                snapshots,
                vocabulary,
                spec.config.retrieval,
                name,
                spec.seed,
                held_out.recall,
                folder / "tensorboard" / name,
            )
            seconds[name] = time.perf_counter() - started
            if name == names[0] or curves[name][-1]["recall"] > curves[selected][-1]["recall"]:
                selected = name
                export(model, folder / QUERY_TOWER, folder / CANDIDATE_TOWER)
    scores = {
        name: {"explore Recall@100": curve[-1]["recall"], "seconds": seconds[name]} for name, curve in curves.items()
    }
    run.write_json(ENCODERS, {"chosen": selected, "snapshot": spec.day(spec.split.ranker[-1]), "scores": scores})
    run.write_json(RETRIEVAL_CURVE, curves[selected])
    return {"encoder": selected, "explore_recall_100": curves[selected][-1]["recall"], "epochs": len(curves[selected])}


def _examples(data: Dataset, snapshot: datetime, vocabulary: Vocabulary, sequences: bool) -> examples.SnapshotExamples:
    products, (ids, customers), labels = data.products(snapshot), data.customers(snapshot), data.labels(snapshot)
    index = {product_id: position for position, product_id in enumerate(products.product_ids)}
    new = _new_purchases(ids, customers, labels, index)
    return examples.build(customers, new, index, encode(products, vocabulary), products.activity, sequences)


def _new_purchases(
    ids: Sequence[str], customers: Sequence[Customer], labels: Mapping[str, np.ndarray], index: Mapping[str, int]
) -> list[np.ndarray]:
    return [
        examples.new_purchases(customer, labels.get(customer_id, ()), index)
        for customer_id, customer in zip(ids, customers, strict=True)
    ]


class HeldOut:
    """Evaluate explore Recall@100 over the full catalogue, on a snapshot whose labels never train the towers."""

    def __init__(self, data: Dataset, snapshot: datetime, vocabulary: Vocabulary, sequences: bool):
        products, (ids, customers), labels = data.products(snapshot), data.customers(snapshot), data.labels(snapshot)
        index = {product_id: position for position, product_id in enumerate(products.product_ids)}
        codes = encode(products, vocabulary)
        new = _new_purchases(ids, customers, labels, index)
        rows = [row for row, items in enumerate(new) if len(items)]
        self._new = [new[row] for row in rows]
        self._bought_before = [[index[p] for p in customers[row].product_ids if p in index] for row in rows]
        self._queries = query_inputs(PurchaseMatrix.of([customers[row] for row in rows], index), codes, sequences)
        self._candidates = candidate_inputs(codes, products.activity)

    def recall(self, model: TwoTower) -> float:
        """Return the mean recall over customers with a new purchase in the window; NaN without such customers."""
        if not self._new:
            return float("nan")
        scores = model.query_tower(self._queries).numpy() @ model.candidate_tower(self._candidates).numpy().T
        for row, bought in enumerate(self._bought_before):
            scores[row, bought] = -np.inf
        last = min(DEPTH, scores.shape[1] - 1)  # a small shop may have fewer products
        top = np.argpartition(-scores, last, axis=1)[:, :DEPTH]
        hits = np.stack([np.isin(items, new) for items, new in zip(top, self._new, strict=True)])
        return mean(recall(hits, np.array([len(new) for new in self._new]), DEPTH))
