"""Train the two-tower model on first purchases and write both towers."""

from datetime import datetime
from typing import Any

import numpy as np

from ml.catalogue import build_vocabulary, encode
from ml.data.dataset import Dataset
from ml.evaluation.metrics import DEPTH, recall
from ml.retrieval import examples
from ml.retrieval.model import TwoTower
from ml.retrieval.train import export, train
from ml.runs import Run
from ml.steps.places import RETRIEVAL, RETRIEVAL_CURVE
from ml.steps.plan import Plan, dataset
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, VOCABULARY
from scoring.towers import candidate_inputs, query_inputs
from scoring.vocabulary import Vocabulary


def train_retrieval(run: Run) -> dict[str, Any]:
    """Leave `retrieval/` with both towers in ONNX, the vocabulary and the learning curve."""
    plan, data = Plan.read(run), dataset(run)
    vocabulary = build_vocabulary(data.products(plan.split.retrieval[0]))
    snapshots = [_examples(data, cut, vocabulary) for cut in plan.split.retrieval]
    held_out = HeldOut(data, plan.split.ranker[-1], vocabulary)
    with run.stage(RETRIEVAL) as folder:
        model, curve = train(
            snapshots, vocabulary, plan.config.retrieval, plan.seed, held_out.recall, folder / "tensorboard"
        )
        (folder / "model").mkdir()
        export(model, folder / QUERY_TOWER, folder / CANDIDATE_TOWER)
        vocabulary.save(folder / VOCABULARY)
    run.write_json(RETRIEVAL_CURVE, curve)
    return {"explore_recall_100": curve[-1]["recall"], "epochs": len(curve)}


def _examples(data: Dataset, cut: datetime, vocabulary: Vocabulary) -> examples.SnapshotExamples:
    products, (ids, customers), labels = data.products(cut), data.customers(cut), data.labels(cut)
    index = {product_id: position for position, product_id in enumerate(products.product_ids)}
    firsts = [
        examples.first_purchases(customer, labels.get(customer_id, ()), index)
        for customer_id, customer in zip(ids, customers, strict=True)
    ]
    return examples.build(customers, firsts, index, encode(products, vocabulary), products.activity)


class HeldOut:
    """Explore Recall@100 on a snapshot whose label the towers never see, over the full catalogue."""

    def __init__(self, data: Dataset, cut: datetime, vocabulary: Vocabulary):
        products, (ids, customers), labels = data.products(cut), data.customers(cut), data.labels(cut)
        index = {product_id: position for position, product_id in enumerate(products.product_ids)}
        codes = encode(products, vocabulary)
        firsts = [
            examples.first_purchases(customer, labels.get(customer_id, ()), index)
            for customer_id, customer in zip(ids, customers, strict=True)
        ]
        rows = [row for row, first in enumerate(firsts) if len(first)]
        self._firsts = [firsts[row] for row in rows]
        self._own = [[index[p] for p in customers[row].product_ids if p in index] for row in rows]
        self._queries = query_inputs([customers[row] for row in rows], index, codes)
        self._candidates = candidate_inputs(codes, products.activity)

    def recall(self, model: TwoTower) -> float:
        """Mean over customers with a first purchase in the window."""
        scores = model.query_tower(self._queries).numpy() @ model.candidate_tower(self._candidates).numpy().T
        for row, own in enumerate(self._own):
            scores[row, own] = -np.inf
        last = min(DEPTH, scores.shape[1] - 1)  # a small shop may have fewer products
        top = np.argpartition(-scores, last, axis=1)[:, :DEPTH]
        hits = np.stack([np.isin(items, first) for items, first in zip(top, self._firsts, strict=True)])
        return float(np.nanmean(recall(hits, np.array([len(first) for first in self._firsts]), DEPTH)))
