"""Training examples of the rankers: every candidate of a customer, labelled by the weeks after the snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scoring.customer import Customer
from scoring.features import CATEGORICAL, NUMERIC, cross_features
from scoring.retriever import Retriever


@dataclass(frozen=True)
class RankingExamples:
    """Candidates of many customers, one after the other.

    numeric: float32 `[rows, len(NUMERIC)]`; categorical: int32 `[rows, len(CATEGORICAL)]`.
    bought: bool `[rows]`, whether the candidate was bought in the horizon after the snapshot.
    is_own: bool `[rows]`, whether it had been bought before.
    ends: int64 `[customers]`, the row after each customer's last candidate.
    """

    numeric: np.ndarray
    categorical: np.ndarray
    bought: np.ndarray
    is_own: np.ndarray
    ends: np.ndarray

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in vars(self).items():
            np.save(folder / f"{name}.npy", values)

    @classmethod
    def load(cls, folder: Path) -> "RankingExamples":
        """Open without reading: batches page in what they need."""
        return cls(
            *(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in cls.__dataclass_fields__)
        )


def build(
    retriever: Retriever, ids: Sequence[str], customers: Sequence[Customer], labels: Mapping[str, np.ndarray]
) -> RankingExamples:
    """Examples of one snapshot: customers who bought something after it, with the catalogue as of it."""
    kept = [row for row, customer_id in enumerate(ids) if customer_id in labels]
    index = retriever.catalogue.index
    bought_by_customer = [
        np.array([index[product] for product in labels[ids[row]] if product in index]) for row in kept
    ]
    numeric, categorical, bought, is_own = [], [], [], []
    done = 0
    for block, candidates in retriever.candidates([customers[row] for row in kept]):
        for row, found in enumerate(candidates):
            features = cross_features(block, row, found)
            numeric.append(features[0])
            categorical.append(features[1])
            bought.append(np.isin(found.positions, bought_by_customer[done]))
            is_own.append(found.is_own)
            done += 1
    return RankingExamples(
        numeric=np.concatenate(numeric) if numeric else np.zeros((0, len(NUMERIC)), np.float32),
        categorical=np.concatenate(categorical) if categorical else np.zeros((0, len(CATEGORICAL)), np.int32),
        bought=np.concatenate(bought) if bought else np.zeros(0, bool),
        is_own=np.concatenate(is_own) if is_own else np.zeros(0, bool),
        ends=np.cumsum([len(rows) for rows in bought]),
    )


@dataclass(frozen=True)
class Batch:
    """Candidates of a few customers, padded to the longest: `[customers, candidates, …]`, `mask` where real."""

    numeric: np.ndarray
    categorical: np.ndarray
    bought: np.ndarray
    is_own: np.ndarray
    mask: np.ndarray


def batches(snapshots: Sequence[RankingExamples], customers: int, rng: np.random.Generator) -> Iterator[Batch]:
    """One epoch: every customer of every snapshot once, in random order."""
    plan = [(number, row) for number, part in enumerate(snapshots) for row in range(len(part.ends))]
    order = rng.permutation(len(plan))
    for start in range(0, len(order), customers):
        yield _pad([_customer(snapshots, *plan[i]) for i in order[start : start + customers]])


def _customer(snapshots: Sequence[RankingExamples], number: int, row: int) -> tuple[np.ndarray, ...]:
    part = snapshots[number]
    begin, end = (int(part.ends[row - 1]) if row else 0), int(part.ends[row])
    return (
        part.numeric[begin:end],
        part.categorical[begin:end],
        part.bought[begin:end],
        part.is_own[begin:end],
    )


def _pad(parts: Sequence[tuple[np.ndarray, ...]]) -> Batch:
    longest = max(len(part[2]) for part in parts)

    def stack(i: int) -> np.ndarray:
        first = parts[0][i]
        padded = np.zeros((len(parts), longest, *first.shape[1:]), first.dtype)
        for row, part in enumerate(parts):
            padded[row, : len(part[i])] = part[i]
        return padded

    mask = np.arange(longest)[None, :] < np.array([len(part[2]) for part in parts])[:, None]
    return Batch(stack(0), stack(1), stack(2), stack(3), mask)
