"""The first stage: from customers to candidates."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import Candidates, generate_candidates
from scoring.candidates.product_subset import ProductSubset, active_products
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ann_index import AnnIndex
from scoring.models.two_tower import Tower, query_inputs
from scoring.timing import mark

BATCH_SIZE = 64
"""Customers treated together: enough for the matrix products, few enough for the dense score matrices."""


class Retriever:
    """A catalogue and a query tower. Safe to call from several threads.

    Args:
        catalogue: The products.
        query_tower: Turns customers into vectors.
        quotas: How many products each source may put forward.
    """

    def __init__(self, catalogue: Catalogue, query_tower: Tower, quotas: Mapping[str, int]):
        self.catalogue = catalogue
        self._query_tower = query_tower
        self._sequences = getattr(query_tower, "reads_sequences", False)  # a plain function reads none
        self._quotas = dict(quotas)

    @cached_property
    def active(self) -> ProductSubset:
        """The products that may be put forward to customers who never bought them."""
        return ProductSubset(self.catalogue, active_products(self.catalogue))

    @cached_property
    def index(self) -> AnnIndex | None:
        """An index of the active products' vectors, if there are too many to look at each."""
        is_large = 0 < self.catalogue.ann_above_products < len(self.active)
        return AnnIndex(self.active.vectors) if is_large else None

    def candidates(
        self, customers: Sequence[Customer], restrict_to: np.ndarray | None = None
    ) -> Iterator[tuple[CustomerBatch, list[Candidates]]]:
        """Yield the candidates of every customer, a batch at a time and in their order.

        Args:
            customers: The customers.
            restrict_to: See `generate_candidates`.
        """
        for start in range(0, len(customers), BATCH_SIZE):
            part = customers[start : start + BATCH_SIZE]
            bought = PurchaseMatrix.of(part, self.catalogue.index)
            vectors = self._query_tower(query_inputs(bought, self.catalogue.codes, self._sequences))
            mark("tower")
            batch = CustomerBatch(self.catalogue, bought, vectors)
            candidates = generate_candidates(batch, self.active, self._quotas, self.index, restrict_to)
            mark("retrieval")
            yield batch, candidates
