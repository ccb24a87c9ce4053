"""Build the training examples of the two-tower model: a customer at a snapshot, and the new purchases after it.

Only products that are new to the customer are positives. Counting finds repeat purchases better than any vector, and a
tower trained on them memorises: its recall of new products falls (docs/experiments.md).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.customer.customer import Customer
from scoring.models.two_tower import candidate_inputs, query_inputs

POSITIVES_PER_CUSTOMER = 8
"""At most this many new purchases of a customer train in an epoch."""

MASKED_PER_CUSTOMER = 12
"""Products masked in a history at most; never more than a third of the history is masked."""


@dataclass(frozen=True)
class SnapshotExamples:
    """Hold the training examples of one snapshot.

    Attributes:
        queries: The query tower's inputs, `[customers, …]`.
        candidates: The candidate tower's inputs, `[products, …]`.
        new_purchases: For each customer the catalogue indices of products bought after, but never before, the snapshot.
        frequency: How often a product is a positive, as a share of all positives, float32 `[products]`.
    """

    queries: Mapping[str, np.ndarray]
    candidates: Mapping[str, np.ndarray]
    new_purchases: list[np.ndarray]
    frequency: np.ndarray

    @property
    def positives(self) -> int:
        """Return how many pairs of customer and product train in one epoch."""
        return sum(min(len(products), POSITIVES_PER_CUSTOMER) for products in self.new_purchases)


def new_purchases(customer: Customer, bought: Iterable[str], index: Mapping[str, int]) -> np.ndarray:
    """Return the catalogue indices of products in `bought` that the customer never bought before."""
    before = set(customer.product_ids)
    found = (index.get(product_id, -1) for product_id in bought if product_id not in before)
    return np.array([position for position in found if position >= 0], dtype=np.int64)


def build(
    customers: Sequence[Customer],
    new: Sequence[np.ndarray],
    index: Mapping[str, int],
    codes: Mapping[str, np.ndarray],
    activity: np.ndarray,
    sequences: bool,
) -> SnapshotExamples:
    """Build the examples of one snapshot.

    Args:
        customers: Customers as of the snapshot. Those without a new purchase after it are dropped.
        new: Each customer's new purchases, as catalogue indices.
        index: Catalogue index of each product id.
        codes: Vocabulary numbers of the products, one array per field.
        activity: Activity features of the products.
        sequences: Whether a sequence encoder trains on these examples.
    """
    kept = [row for row, products in enumerate(new) if len(products)]
    bought = np.concatenate([np.zeros(0, np.int64), *(new[row] for row in kept)])
    counts = np.bincount(bought, minlength=len(activity))
    return SnapshotExamples(
        queries=query_inputs(PurchaseMatrix.of([customers[row] for row in kept], index), codes, sequences),
        candidates=candidate_inputs(codes, activity),
        new_purchases=[new[row] for row in kept],
        frequency=(counts / max(len(bought), 1)).astype(np.float32),
    )


@dataclass(frozen=True)
class Batch:
    """Hold some customers of one snapshot, a few new purchases of each, and uniform negatives.

    Attributes:
        queries: The query tower's inputs, `[customers, …]`.
        query_of: For each positive the row of its customer in `queries`, int32 `[positives]`.
        candidates: Inputs of the positives followed by the negatives, `[positives + negatives, …]`.
        probability: How likely each candidate was to be drawn, float32 `[positives + negatives]` (for logQ).
        candidate_ids: Catalogue indices, int64 `[positives + negatives]` (to remove accidental hits).
    """

    queries: dict[str, np.ndarray]
    query_of: np.ndarray
    candidates: dict[str, np.ndarray]
    probability: np.ndarray
    candidate_ids: np.ndarray


def batches(
    snapshots: Sequence[SnapshotExamples], customers: int, negatives: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Yield one epoch: every customer of every snapshot once, in random order.

    Args:
        snapshots: The examples of all training snapshots.
        customers: Customers per batch.
        negatives: Uniform negatives per batch.
        rng: Draws the order, the positives and the negatives.
    """
    chunks = []
    for number, snapshot in enumerate(snapshots):
        order = rng.permutation(len(snapshot.new_purchases))
        chunks += [(number, order[start : start + customers]) for start in range(0, len(order), customers)]
    for i in rng.permutation(len(chunks)):
        number, rows = chunks[i]
        yield _batch(snapshots[number], rows, negatives, rng)


def _batch(snapshot: SnapshotExamples, rows: np.ndarray, negatives: int, rng: np.random.Generator) -> Batch:
    picked = [rng.permutation(snapshot.new_purchases[row])[:POSITIVES_PER_CUSTOMER] for row in rows]
    queries = {name: values[rows] for name, values in snapshot.queries.items()}
    counts = [len(items) for items in picked]
    return _with_negatives(snapshot, queries, counts, np.concatenate(picked), snapshot.frequency, negatives, rng)


def masked_history_batches(
    snapshot: SnapshotExamples, customers: int, negatives: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Yield one pass over a snapshot's histories. The query of the visible part must find the masked part.

    Histories contain many more purchases than the weeks after a snapshot. So the towers first learn which products
    customers buy together, as a denoising autoencoder does (Liang et al. 2018), and then what they buy next.

    Args:
        snapshot: Its histories are masked.
        customers: Customers per batch.
        negatives: Uniform negatives per batch.
        rng: Draws the order, the masks and the negatives.
    """
    codes = snapshot.candidates["product_id"]
    position = np.full(codes.max(initial=0) + 1, -1)
    position[codes] = np.arange(len(codes))
    position[0] = -1  # padding, and products that are not in the vocabulary
    histories = position[snapshot.queries["history_product_id"]]
    counts = np.bincount(histories[histories >= 0], minlength=len(codes))
    frequency = (counts / max(counts.sum(), 1)).astype(np.float32)
    order = rng.permutation(len(histories))
    for start in range(0, len(order), customers):
        rows = order[start : start + customers]
        masked = np.zeros((len(rows), histories.shape[1]), bool)
        for mask, row in zip(masked, rows, strict=True):
            known = np.flatnonzero(histories[row] >= 0)
            mask[rng.permutation(known)[: min(MASKED_PER_CUSTOMER, len(known) // 3)]] = True
        if masked.any():
            queries = _mask(masked, {name: values[rows] for name, values in snapshot.queries.items()})
            positives = histories[rows][masked]
            yield _with_negatives(snapshot, queries, masked.sum(axis=1), positives, frequency, negatives, rng)


def _mask(masked: np.ndarray, queries: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the queries as if the masked products, bool `[customers, HISTORY_LENGTH]`, had never been bought."""
    weights = np.where(masked[:, :, None], 0.0, queries["history_weights"])
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    changed = queries | {"history_weights": (weights / total).astype(np.float32)}
    if "sequence_mask" in queries:
        mask = queries["sequence_mask"].copy()
        for row, gone in enumerate(masked):
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
    """Add uniform negatives to the positives of some queries.

    Args:
        snapshot: Provides the inputs of the candidates.
        queries: The query tower's inputs.
        counts: Number of positives of each query; the positives are in the order of the queries.
        positives: Catalogue indices.
        frequency: How often each product is a positive, as a share of all positives.
        negatives: Number of negatives to draw.
        rng: Draws the negatives.
    """
    ids = np.concatenate([positives, rng.integers(0, len(frequency), negatives)])
    # A candidate is in the batch as a positive or as a uniform draw (mixed negative sampling, Yang et al. 2020); logQ
    # corrects for the sum of both.
    share = len(positives) / len(ids)
    probability = share * frequency[ids] + (1 - share) / len(frequency)
    return Batch(
        queries=queries,
        query_of=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        candidates={name: values[ids] for name, values in snapshot.candidates.items()},
        probability=probability.astype(np.float32),
        candidate_ids=ids,
    )
