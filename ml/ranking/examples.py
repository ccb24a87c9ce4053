"""Build the training examples of the rankers: candidates of a customer, labelled by the weeks after the snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.runs.artifacts import CANDIDATES
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.candidates.retriever import Retriever
from scoring.customer.customer import Customer
from scoring.rank_features import CATEGORICAL, NUMERIC, cross_features

TOO_FEW_LISTS = "Too few lists to train on: one customer bought something after the training snapshots."


@dataclass(frozen=True)
class RankingExamples:
    """Hold the candidates of many customers, one customer after the other.

    Attributes:
        numeric: Numeric features, float32 `[rows, len(NUMERIC)]`.
        categorical: Vocabulary numbers, int32 `[rows, len(CATEGORICAL)]`.
        bought: Whether the candidate was bought in the horizon after the snapshot, bool `[rows]`.
        is_repeat: Whether the customer bought it before, bool `[rows]`.
        weight: Number of candidates that the row stands for, float32 `[rows]`.
        ends: Row after each customer's last candidate, int64 `[customers]`.
        relevant: Number of products bought after the snapshot, and how many of these were never bought before, int64
            `[customers, 2]`; both count products outside the candidates too.
    """

    numeric: np.ndarray
    categorical: np.ndarray
    bought: np.ndarray
    is_repeat: np.ndarray
    weight: np.ndarray
    ends: np.ndarray
    relevant: np.ndarray

    def save(self, folder: Path) -> None:
        """Write each array as a `.npy` file into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in vars(self).items():
            np.save(folder / f"{name}.npy", values)

    @classmethod
    def load(cls, folder: Path) -> "RankingExamples":
        """Open a folder of `save` as memory maps; batches read only their rows."""
        return cls(
            *(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in cls.__dataclass_fields__)
        )

    def rows(self, customer: int) -> slice:
        """Return the rows of one customer's candidates."""
        return slice(int(self.ends[customer - 1]) if customer else 0, int(self.ends[customer]))


def build(
    retriever: Retriever,
    ids: Sequence[str],
    customers: Sequence[Customer],
    labels: Mapping[str, np.ndarray],
    negatives: float,
    rng: np.random.Generator,
) -> RankingExamples:
    """Build the examples of one snapshot: its candidates for each customer with a purchase after it.

    Args:
        retriever: Generates candidates from the catalogue as of the snapshot.
        ids: Ids of all customers at the snapshot.
        customers: Their features.
        labels: For each customer with a purchase after the snapshot, the product ids bought.
        negatives: Share of the unbought candidates new to the customer that is kept, from 0 to 1. These are nine tenths
            of all candidates.
        rng: Draws the negatives.
    """
    kept = [row for row, customer_id in enumerate(ids) if customer_id in labels]
    index = retriever.catalogue.index
    numeric, categorical, bought, is_repeat, weight, relevant = [], [], [], [], [], []
    done = 0
    for block, candidates in retriever.candidates([customers[row] for row in kept]):
        for row, found in enumerate(candidates):
            products = set(labels[ids[kept[done]]])
            new = products - set(block.customers[row].product_ids)
            relevant.append((len(products), len(new)))
            hit = np.isin(found.positions, [index[product] for product in products if product in index])
            certain = hit | found.is_repeat
            chosen = np.flatnonzero(certain | (rng.random(len(certain)) < negatives))
            features = cross_features(block, row, found)
            numeric.append(features[0][chosen])
            categorical.append(features[1][chosen])
            bought.append(hit[chosen])
            is_repeat.append(found.is_repeat[chosen])
            weight.append(np.where(certain[chosen], 1.0, 1.0 / negatives).astype(np.float32))
            done += 1
    return RankingExamples(
        numeric=np.concatenate([*numeric, np.zeros((0, len(NUMERIC)), np.float32)]),
        categorical=np.concatenate([*categorical, np.zeros((0, len(CATEGORICAL)), np.int32)]),
        bought=np.concatenate([*bought, np.zeros(0, bool)]),
        is_repeat=np.concatenate([*is_repeat, np.zeros(0, bool)]),
        weight=np.concatenate([*weight, np.zeros(0, np.float32)]),
        ends=np.cumsum([len(rows) for rows in bought], dtype=np.int64),
        relevant=np.array(relevant, dtype=np.int64).reshape(-1, 2),
    )


@dataclass(frozen=True)
class Batch:
    """Hold the candidates of a few customers, padded: `[customers, candidates, …]`, with `weight` 0 where padded."""

    numeric: np.ndarray
    categorical: np.ndarray
    bought: np.ndarray
    is_repeat: np.ndarray
    weight: np.ndarray


ListRef = tuple[int, int]
"""Number of a snapshot, and number of a customer in it."""


def train_holdout_split(
    snapshots: Sequence[RankingExamples], held_out: float, rng: np.random.Generator
) -> tuple[list[ListRef], list[ListRef]]:
    """Split the lists at random into training lists and lists held out to compare the rankers.

    Args:
        snapshots: Training lists, newest snapshot first.
        held_out: Share held out. With two or more lists, both parts have at least one.
        rng: Draws the held-out lists.

    Returns:
        The training lists and the held-out lists.
    """
    references = [(number, row) for number, part in enumerate(snapshots) for row in range(len(part.ends))]
    drawn = rng.random(len(references))
    out = drawn < held_out
    if len(references) > 1:
        out[np.argmin(drawn)], out[np.argmax(drawn)] = True, False
    return (
        [reference for reference, is_out in zip(references, out, strict=True) if not is_out],
        [reference for reference, is_out in zip(references, out, strict=True) if is_out],
    )


def batches(
    snapshots: Sequence[RankingExamples], references: Sequence[ListRef], customers: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Yield one epoch: every list once, in random order.

    Args:
        snapshots: Training lists, newest snapshot first.
        references: The lists of the epoch.
        customers: Lists per batch.
        rng: Draws the order.
    """
    order = rng.permutation(len(references))
    for start in range(0, len(order), customers):
        yield _pad([_customer(snapshots, *references[i]) for i in order[start : start + customers]])


def _customer(snapshots: Sequence[RankingExamples], number: int, row: int) -> Batch:
    part = snapshots[number]
    rows = part.rows(row)
    return Batch(part.numeric[rows], part.categorical[rows], part.bought[rows], part.is_repeat[rows], part.weight[rows])


def _pad(lists: Sequence[Batch]) -> Batch:
    longest = max(len(one.bought) for one in lists)

    def stack(name: str) -> np.ndarray:
        first = getattr(lists[0], name)
        padded = np.zeros((len(lists), longest, *first.shape[1:]), first.dtype)
        for row, one in enumerate(lists):
            padded[row, : len(one.bought)] = getattr(one, name)
        return padded

    return Batch(*(stack(name) for name in Batch.__dataclass_fields__))


def load_examples(run: Run, spec: RunSpec) -> list[RankingExamples]:
    """Load the examples of every ranker snapshot."""
    folder = run.path(CANDIDATES, made_by="generate-candidates")
    return [RankingExamples.load(folder / str(number)) for number in range(len(spec.split.ranker))]


def holdout_lists(snapshots: Sequence[RankingExamples], spec: RunSpec) -> list[ListRef]:
    """Return the training lists that no ranker of the run trained on."""
    return train_holdout_split(snapshots, spec.config.ranking.holdout_share, np.random.default_rng(spec.seed))[1]
