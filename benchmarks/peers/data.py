"""What every peer gets: the judged snapshot of a finished run, and lists from scores over the full catalogue."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from scipy import sparse

from ml.data.dataset import Dataset
from ml.evaluation.ground_truth import Lists, Slates
from ml.evaluation.metrics import DEPTH
from ml.retrieval.catalogue_builder import build_catalogue
from ml.runs.artifacts import RETRIEVAL
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from ml.steps.evaluate import Window
from scoring.bundle import VOCABULARY
from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.vocabulary import Vocabulary

ROWS = 64
"""Customers scored at a time: a row of scores is as long as the catalogue."""


@dataclass(frozen=True)
class PeerData:
    """A finished run at the snapshot it is judged at.

    ids, everyone: all customers with a purchase before the snapshot; a peer may fit on all of them.
    window: those of them who are judged, and what they bought after the snapshot. Only the judge looks at that.
    catalogue: the products on offer at the snapshot; its vectors and item-to-item weights are empty, so that a peer
        does not pay for models that it does not use.
    """

    run: Run
    spec: RunSpec
    ids: list[str]
    everyone: list[Customer]
    window: Window
    catalogue: Catalogue

    @classmethod
    def of(cls, run: Run) -> "PeerData":
        spec, data = RunSpec.read(run), dataset(run)
        ids, everyone = data.customers(spec.split.evaluation)
        catalogue = _bare_catalogue(run, spec, data)
        window = Window.of(ids, everyone, data.labels(spec.split.evaluation), catalogue)
        return cls(run, spec, ids, everyone, window, catalogue)

    @cached_property
    def judged_rows(self) -> np.ndarray:
        """Where the judged customers stand among everyone, `[judged]`."""
        place = {customer_id: row for row, customer_id in enumerate(self.ids)}
        return np.array([place[customer_id] for customer_id in self.window.truth.customer_ids])

    @cached_property
    def judged(self) -> CustomerBatch:
        """The judged customers in front of the catalogue."""
        return CustomerBatch.of(
            self.window.customers, self.catalogue, np.zeros((len(self.window.customers), 0), np.float32)
        )

    def purchases(self, name: str | None = None) -> sparse.csr_matrix:
        """Everyone × products, float32: one of `schema.HISTORY`, or 1 for every product ever bought."""
        matrix = PurchaseMatrix.of(self.everyone, self.catalogue.index).matrix(name or "baskets")
        if name is None:
            matrix.data.fill(1.0)
        matrix.sort_indices()
        return matrix

    def slates(self, score: Callable[[np.ndarray], np.ndarray]) -> Slates:
        """Both slates from scores over the full catalogue; ties go to the more popular product.

        score: from rows of `everyone` to float `[rows, products]`. `explore` leaves out what the customer had.
        """
        lists: dict[str, list[np.ndarray]] = {"all": [], "explore": []}
        scores: dict[str, list[np.ndarray]] = {"all": [], "explore": []}
        for start in range(0, len(self.judged_rows), ROWS):
            block = score(self.judged_rows[start : start + ROWS])
            for row, values in enumerate(block, start):
                new = np.ones(len(values), bool)
                new[self.judged.positions[row]] = False
                for slate, allowed in (("all", np.arange(len(values))), ("explore", np.flatnonzero(new))):
                    best = self._best(values, allowed)
                    lists[slate].append(best)
                    scores[slate].append(values[best])
        return {slate: Lists.of(lists[slate], scores[slate]) for slate in lists}

    def _best(self, values: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """The DEPTH best of the allowed positions, best first."""
        mine = values[allowed]
        if len(mine) > DEPTH:
            last = np.partition(mine, len(mine) - DEPTH)[len(mine) - DEPTH]
            allowed = allowed[mine >= last]  # all that tie with the last place, for popularity to choose from
        order = np.lexsort((allowed, -self.catalogue.popularity[allowed], -values[allowed]))
        return allowed[order[:DEPTH]]


def _bare_catalogue(run: Run, spec: RunSpec, data: Dataset) -> Catalogue:
    products = data.products(spec.split.evaluation)
    return build_catalogue(
        as_of=spec.day(spec.split.evaluation),
        products=products,
        customers=[Customer.empty()],
        vocabulary=Vocabulary.load(run.path(RETRIEVAL) / VOCABULARY),
        candidate_tower=cast(Any, lambda inputs: np.zeros((len(products.product_ids), 0), np.float32)),
        config=spec.config.collaborative,
        seed=spec.seed,
    )
