"""Candidates of a batch, in front of the active products of its catalogue."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import Candidates, generate_candidates
from scoring.candidates.retriever import Retriever
from scoring.catalogue import Catalogue


def retriever_of(catalogue: Catalogue, quotas: Mapping[str, int]) -> Retriever:
    """A retriever whose tower is never asked."""
    tower: Any = None
    return Retriever(catalogue, tower, quotas)


def generate(
    batch: CustomerBatch, quotas: Mapping[str, int], restrict_to: np.ndarray | None = None
) -> list[Candidates]:
    """The batch's candidates, by its own vectors."""
    retriever = retriever_of(batch.catalogue, quotas)
    return generate_candidates(batch, retriever.active, quotas, retriever.index, restrict_to)
