"""Train the two-tower model on first purchases and write both towers."""

import time
from datetime import datetime
from typing import Any

import numpy as np

from ml.data.dataset import Dataset
from ml.evaluation.metrics import DEPTH, mean, recall
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
from scoring.models.two_tower import candidate_inputs, query_inputs
from scoring.vocabulary import Vocabulary


def train_retrieval(run: Run) -> dict[str, Any]:
    """Leave `retrieval/` with both towers in ONNX, the vocabulary and the learning curve.

    Of several encoders each trains a model of its own, and the one with the highest explore Recall@100 on a snapshot
    that none of them sees goes on (the first named, if they are equal); `encoders.json` says what each one reached. The
    window that the system is judged on has no say.
    """
    spec, data = RunSpec.read(run), dataset(run)
    names = spec.config.retrieval.history_encoders
    sequences = any(reads_sequences(name) for name in names)
    vocabulary = build_vocabulary(data.products(spec.split.retrieval[0]))
    snapshots = [_examples(data, cut, vocabulary, sequences) for cut in spec.split.retrieval]
    held_out = HeldOut(data, spec.split.ranker[-1], vocabulary, sequences)
    curves: dict[str, list[dict[str, float]]] = {}
    seconds: dict[str, float] = {}
    chosen = names[0]
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
            if name == names[0] or curves[name][-1]["recall"] > curves[chosen][-1]["recall"]:
                chosen = name
                export(model, folder / QUERY_TOWER, folder / CANDIDATE_TOWER)
    scores = {
        name: {"explore Recall@100": curve[-1]["recall"], "seconds": seconds[name]} for name, curve in curves.items()
    }
    run.write_json(ENCODERS, {"chosen": chosen, "snapshot": spec.day(spec.split.ranker[-1]), "scores": scores})
    run.write_json(RETRIEVAL_CURVE, curves[chosen])
    return {"encoder": chosen, "explore_recall_100": curves[chosen][-1]["recall"], "epochs": len(curves[chosen])}


def _examples(data: Dataset, cut: datetime, vocabulary: Vocabulary, sequences: bool) -> examples.SnapshotExamples:
    products, (ids, customers), labels = data.products(cut), data.customers(cut), data.labels(cut)
    index = {product_id: position for position, product_id in enumerate(products.product_ids)}
    firsts = [
        examples.new_purchases(customer, labels.get(customer_id, ()), index)
        for customer_id, customer in zip(ids, customers, strict=True)
    ]
    return examples.build(customers, firsts, index, encode(products, vocabulary), products.activity, sequences)


class HeldOut:
    """Explore Recall@100 on a snapshot whose label the towers never see, over the full catalogue."""

    def __init__(self, data: Dataset, cut: datetime, vocabulary: Vocabulary, sequences: bool):
        products, (ids, customers), labels = data.products(cut), data.customers(cut), data.labels(cut)
        index = {product_id: position for position, product_id in enumerate(products.product_ids)}
        codes = encode(products, vocabulary)
        firsts = [
            examples.new_purchases(customer, labels.get(customer_id, ()), index)
            for customer_id, customer in zip(ids, customers, strict=True)
        ]
        rows = [row for row, first in enumerate(firsts) if len(first)]
        self._firsts = [firsts[row] for row in rows]
        self._own = [[index[p] for p in customers[row].product_ids if p in index] for row in rows]
        self._queries = query_inputs(PurchaseMatrix.of([customers[row] for row in rows], index), codes, sequences)
        self._candidates = candidate_inputs(codes, products.activity)

    def recall(self, model: TwoTower) -> float:
        """Mean over customers with a first purchase in the window; NaN if there is none."""
        if not self._firsts:
            return float("nan")
        scores = model.query_tower(self._queries).numpy() @ model.candidate_tower(self._candidates).numpy().T
        for row, own in enumerate(self._own):
            scores[row, own] = -np.inf
        last = min(DEPTH, scores.shape[1] - 1)  # a small shop may have fewer products
        top = np.argpartition(-scores, last, axis=1)[:, :DEPTH]
        hits = np.stack([np.isin(items, first) for items, first in zip(top, self._firsts, strict=True)])
        return mean(recall(hits, np.array([len(first) for first in self._firsts]), DEPTH))
