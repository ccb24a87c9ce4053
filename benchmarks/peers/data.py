"""Provide every peer with the evaluated snapshot of a finished run, and make lists from scores of all products."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from scipy import sparse

from ml.evaluation.evaluated_run import EvaluatedRun, EvaluationSet
from ml.evaluation.ground_truth import RankedLists, Slates
from ml.metrics import DEPTH
from ml.retrieval.catalogue_builder import build_catalogue
from ml.runs.artifacts import RETRIEVAL
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.bundle import VOCABULARY
from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.candidates.sources import item_to_item
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.vocabulary import Vocabulary

ROWS = 64
"""Customers scored at a time: a row of scores is as long as the catalogue."""


@dataclass(frozen=True)
class PeerData:
    """Hold a finished run at its evaluated snapshot.

    Attributes:
        run: The run.
        spec: Its specification.
        ids: Ids of all customers with a purchase before the snapshot; a peer may fit on all of them.
        everyone: The same customers' features.
        window: The evaluated customers and their purchases after the snapshot, which only the evaluation reads.
        catalogue: Products on offer at the snapshot. Its vectors and item-to-item weights are empty, so that a peer has
            no cost of models that it does not use.
    """

    run: Run
    spec: RunSpec
    ids: list[str]
    everyone: list[Customer]
    window: EvaluationSet
    catalogue: Catalogue

    @classmethod
    def of(cls, run: Run) -> "PeerData":
        """Read the data of a run."""
        evaluated = EvaluatedRun.at_snapshot(run)
        catalogue = _bare_catalogue(evaluated)
        window = evaluated.evaluation_set(catalogue)
        return cls(run, evaluated.spec, evaluated.ids, evaluated.everyone, window, catalogue)

    @cached_property
    def evaluated_rows(self) -> np.ndarray:
        """Return the rows of the evaluated customers among everyone, `[evaluated]`."""
        row_of = {customer_id: row for row, customer_id in enumerate(self.ids)}
        return np.array([row_of[customer_id] for customer_id in self.window.truth.customer_ids])

    @property
    def max_customers(self) -> int:
        """Return the number of customers that EASE is fitted on at most."""
        settings = self.spec.config.sources.get("item_to_item", item_to_item.Settings())
        assert isinstance(settings, item_to_item.Settings)
        return settings.max_customers

    @cached_property
    def evaluated(self) -> CustomerBatch:
        """Return the evaluated customers with the catalogue."""
        return self.window.batch(self.catalogue)

    def purchases(self, name: str | None = None) -> sparse.csr_matrix:
        """Return a matrix float32 `[everyone, products]` of one of `schema.HISTORY`, or of 1 for every purchase."""
        matrix = PurchaseMatrix.of(self.everyone, self.catalogue.index).matrix(name or "baskets")
        if name is None:
            matrix.data.fill(1.0)
        matrix.sort_indices()
        return matrix

    def slates(self, score: Callable[[np.ndarray], np.ndarray]) -> Slates:
        """Make the lists of both slates from scores over the full catalogue.

        Of equal scores, the more popular product comes first. `explore` omits what the customer bought before.

        Args:
            score: Maps rows of `everyone` to scores, float `[rows, products]`.
        """
        lists: dict[str, list[np.ndarray]] = {"all": [], "explore": []}
        scores: dict[str, list[np.ndarray]] = {"all": [], "explore": []}
        for start in range(0, len(self.evaluated_rows), ROWS):
            block = score(self.evaluated_rows[start : start + ROWS])
            for row, values in enumerate(block, start):
                new = np.ones(len(values), bool)
                new[self.evaluated.positions[row]] = False
                for slate, allowed in (("all", np.arange(len(values))), ("explore", np.flatnonzero(new))):
                    best = self._best(values, allowed)
                    lists[slate].append(best)
                    scores[slate].append(values[best])
        return {slate: RankedLists.of(lists[slate], scores[slate]) for slate in lists}

    def _best(self, values: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """Return the DEPTH best of the allowed positions, best first."""
        allowed_values = values[allowed]
        if len(allowed_values) > DEPTH:
            last = np.partition(allowed_values, len(allowed_values) - DEPTH)[len(allowed_values) - DEPTH]
            allowed = allowed[allowed_values >= last]  # with all that tie at the last rank, so that popularity decides
        order = np.lexsort((allowed, -self.catalogue.popularity[allowed], -values[allowed]))
        return allowed[order[:DEPTH]]


def _bare_catalogue(evaluated: EvaluatedRun) -> Catalogue:
    spec = evaluated.spec
    products = evaluated.data.products(spec.split.evaluation)
    return build_catalogue(
        as_of=spec.day(spec.split.evaluation),
        products=products,
        customers=[Customer.empty()],
        vocabulary=Vocabulary.load(evaluated.run.path(RETRIEVAL) / VOCABULARY),
        candidate_tower=cast(Any, lambda inputs: np.zeros((len(products.product_ids), 0), np.float32)),
        sources=spec.config.sources,
        config=spec.config.catalogue,
        seed=spec.seed,
    )
