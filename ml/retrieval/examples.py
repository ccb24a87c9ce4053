"""Training examples of the two-tower model: a customer at a snapshot, and first purchases after it.

Repeat purchases are left out on purpose: counting finds them better than any vector, and a tower trained on them
spends itself on memorising (PROTOCOL: its recall of new products falls).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.customer.customer import Customer
from scoring.models.two_tower import candidate_inputs, query_inputs

POSITIVES_PER_CUSTOMER = 8

MASKED_PER_CUSTOMER = 12
"""Products of a history that are hidden at once, but never more than a third of it."""


@dataclass(frozen=True)
class SnapshotExamples:
    """Everything of one snapshot that training needs.

    queries: the query tower's inputs, `[customers, …]`.
    candidates: the candidate tower's inputs, `[products, …]`.
    firsts: for each customer the catalogue indices of products bought after, but never before, the snapshot.
    frequency: how often a product is a positive, as a share of all positives, float32 `[products]`.
    """

    queries: Mapping[str, np.ndarray]
    candidates: Mapping[str, np.ndarray]
    firsts: list[np.ndarray]
    frequency: np.ndarray

    @property
    def positives(self) -> int:
        return sum(min(len(first), POSITIVES_PER_CUSTOMER) for first in self.firsts)


def new_purchases(customer: Customer, bought: Iterable[str], index: Mapping[str, int]) -> np.ndarray:
    """Catalogue indices of products in `bought` that the customer never had before."""
    before = set(customer.product_ids)
    found = (index.get(product_id, -1) for product_id in bought if product_id not in before)
    return np.array([position for position in found if position >= 0], dtype=np.int64)


def build(
    customers: Sequence[Customer],
    firsts: Sequence[np.ndarray],
    index: Mapping[str, int],
    codes: Mapping[str, np.ndarray],
    activity: np.ndarray,
    sequences: bool,
) -> SnapshotExamples:
    """Examples of one snapshot; customers without a first purchase after it teach nothing and are dropped.

    `sequences`: whether a sequence encoder is to learn from them.
    """
    kept = [row for row, first in enumerate(firsts) if len(first)]
    bought = np.concatenate([np.zeros(0, np.int64), *(firsts[row] for row in kept)])
    counts = np.bincount(bought, minlength=len(activity))
    return SnapshotExamples(
        queries=query_inputs(PurchaseMatrix.of([customers[row] for row in kept], index), codes, sequences),
        candidates=candidate_inputs(codes, activity),
        firsts=[firsts[row] for row in kept],
        frequency=(counts / max(len(bought), 1)).astype(np.float32),
    )


@dataclass(frozen=True)
class Batch:
    """Some customers of one snapshot, a few first purchases of each, and uniform negatives.

    query_of: for each positive the row of its customer in `queries`, int32 `[positives]`.
    candidates: inputs of the positives followed by the negatives, `[positives + negatives, …]`.
    probability: how likely each candidate was to be drawn, float32 `[positives + negatives]` (for logQ).
    candidate_ids: catalogue indices, int64 `[positives + negatives]` (to remove accidental hits).
    """

    queries: dict[str, np.ndarray]
    query_of: np.ndarray
    candidates: dict[str, np.ndarray]
    probability: np.ndarray
    candidate_ids: np.ndarray


def batches(
    snapshots: Sequence[SnapshotExamples], customers: int, negatives: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """One epoch: every customer of every snapshot once, in random order."""
    order_of_batches = []
    for number, snapshot in enumerate(snapshots):
        order = rng.permutation(len(snapshot.firsts))
        order_of_batches += [(number, order[start : start + customers]) for start in range(0, len(order), customers)]
    for i in rng.permutation(len(order_of_batches)):
        number, rows = order_of_batches[i]
        yield _batch(snapshots[number], rows, negatives, rng)


def _batch(snapshot: SnapshotExamples, rows: np.ndarray, negatives: int, rng: np.random.Generator) -> Batch:
    picked = [rng.permutation(snapshot.firsts[row])[:POSITIVES_PER_CUSTOMER] for row in rows]
    queries = {name: values[rows] for name, values in snapshot.queries.items()}
    counts = [len(items) for items in picked]
    return _with_negatives(snapshot, queries, counts, np.concatenate(picked), snapshot.frequency, negatives, rng)


def masked_history_batches(
    snapshot: SnapshotExamples, customers: int, negatives: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """One pass over a snapshot's histories, a part of each hidden: the query of what is left must find what is hidden.

    There are many more purchases in the histories than first purchases after a snapshot, so that products learn from
    them who buys them together (as a denoising autoencoder does, Liang et al. 2018), before they learn what comes next.
    """
    codes = snapshot.candidates["product_id"]
    place = np.full(codes.max(initial=0) + 1, -1)
    place[codes] = np.arange(len(codes))
    place[0] = -1  # padding, and products that the vocabulary does not know
    histories = place[snapshot.queries["history_product_id"]]
    counts = np.bincount(histories[histories >= 0], minlength=len(codes))
    frequency = (counts / max(counts.sum(), 1)).astype(np.float32)
    order = rng.permutation(len(histories))
    for start in range(0, len(order), customers):
        rows = order[start : start + customers]
        hidden = np.zeros((len(rows), histories.shape[1]), bool)
        for mask, row in zip(hidden, rows, strict=True):
            known = np.flatnonzero(histories[row] >= 0)
            mask[rng.permutation(known)[: min(MASKED_PER_CUSTOMER, len(known) // 3)]] = True
        if hidden.any():
            queries = _without(hidden, {name: values[rows] for name, values in snapshot.queries.items()})
            positives = histories[rows][hidden]
            yield _with_negatives(snapshot, queries, hidden.sum(axis=1), positives, frequency, negatives, rng)


def _without(hidden: np.ndarray, queries: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The queries as if the hidden products of the histories, bool `[customers, HISTORY_LENGTH]`, were never bought."""
    weights = np.where(hidden[:, :, None], 0.0, queries["history_weights"])
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    changed = queries | {"history_weights": (weights / total).astype(np.float32)}
    if "sequence_mask" in queries:
        mask = queries["sequence_mask"].copy()
        for row, gone in enumerate(hidden):
            mask[row, np.isin(queries["sequence_product_id"][row], queries["history_product_id"][row, gone])] = 0.0
        changed["sequence_mask"] = mask
    return changed


def _with_negatives(
    snapshot: SnapshotExamples,
    queries: dict[str, np.ndarray],
    counts: Sequence[int] | np.ndarray,
    positives: np.ndarray,
    frequency: np.ndarray,
    negatives: int,
    rng: np.random.Generator,
) -> Batch:
    """`counts`: each query's positives, which stand one after the other; `frequency`: of products as positives."""
    ids = np.concatenate([positives, rng.integers(0, len(frequency), negatives)])
    # A candidate is in the batch as somebody's positive or as a uniform draw (mixed negative sampling,
    # Yang et al. 2020); logQ corrects for the sum of both.
    share = len(positives) / len(ids)
    probability = share * frequency[ids] + (1 - share) / len(frequency)
    return Batch(
        queries=queries,
        query_of=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        candidates={name: values[ids] for name, values in snapshot.candidates.items()},
        probability=probability.astype(np.float32),
        candidate_ids=ids,
    )
