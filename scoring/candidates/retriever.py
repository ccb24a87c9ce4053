"""The first stage: from customers to candidates."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import Candidates, generate_candidates
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.two_tower import Tower, query_inputs
from scoring.timing import mark

BATCH_SIZE = 64
"""Customers treated together: enough for the matrix products, few enough for the dense score matrices."""


class Retriever:
    """A catalogue and a query tower. Safe to call from several threads.

    quotas: how many products each source may put forward.
    """

    def __init__(self, catalogue: Catalogue, query_tower: Tower, quotas: Mapping[str, int]):
        self.catalogue = catalogue
        self._query_tower = query_tower
        self._sequences = getattr(query_tower, "reads_sequences", False)  # a plain function is a tower that reads none
        self._quotas = dict(quotas)

    def candidates(
        self, customers: Sequence[Customer], only: np.ndarray | None = None
    ) -> Iterator[tuple[CustomerBatch, list[Candidates]]]:
        """Candidates of every customer, a block at a time and in their order; `only`: see `generate_candidates`."""
        for start in range(0, len(customers), BATCH_SIZE):
            part = customers[start : start + BATCH_SIZE]
            bought = PurchaseMatrix.of(part, self.catalogue.index)
            vectors = self._query_tower(query_inputs(bought, self.catalogue.codes, self._sequences))
            mark("tower")
            block = CustomerBatch(self.catalogue, bought, vectors)
            candidates = generate_candidates(block, self._quotas, only)
            mark("retrieval")
            yield block, candidates
