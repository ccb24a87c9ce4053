"""The parts of a run that its evaluation needs: customers, catalogue, both stages, ground truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from ml.data.dataset import Dataset
from ml.errors import NotEnoughDataError
from ml.evaluation.ground_truth import GroundTruth, RankedLists, Slates
from ml.evaluation.results import Results
from ml.metrics import DEPTH
from ml.retrieval.catalogue_builder import build_catalogue
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY
from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import Candidates
from scoring.candidates.retriever import Retriever
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES, Ranker, Slate
from scoring.models.two_tower import Tower
from scoring.recommender import RankedList, Recommender
from scoring.vocabulary import Vocabulary

CHALLENGER = "reach"
"""The name of the run's own model among the methods of an evaluation."""

CHAMPION = "champion"
"""The name of the deployed model among the methods of an evaluation."""


@dataclass(frozen=True)
class ScoringSystem:
    """Both stages with one catalogue."""

    catalogue: Catalogue
    retriever: Retriever
    ranker: Ranker

    @property
    def recommender(self) -> Recommender:
        """Return the recommender that serves with these two stages."""
        return Recommender(self.retriever, self.ranker)


@dataclass(frozen=True)
class EvaluationSet:
    """The evaluated customers as of the evaluation's snapshot, and what they bought after it."""

    customers: list[Customer]
    truth: GroundTruth

    @classmethod
    def of(
        cls, ids: Sequence[str], customers: Sequence[Customer], labels: Mapping[str, np.ndarray], catalogue: Catalogue
    ) -> "EvaluationSet":
        """Keep the customers who bought something in the evaluation window.

        Args:
            ids: Ids of all customers with a purchase before the snapshot.
            customers: The same customers as of the snapshot, in the order of `ids`.
            labels: Purchases in the window, by customer id.
            catalogue: The products on offer at the snapshot.

        Raises:
            NotEnoughDataError: No customer bought both before the snapshot and in the window.
        """
        rows = [row for row, customer_id in enumerate(ids) if customer_id in labels]
        if not rows:
            raise NotEnoughDataError(
                f"No customer bought both before and after {catalogue.as_of}, so there is nothing to evaluate."
            )
        index = catalogue.index
        bought = [[index.get(product_id, -1) for product_id in labels[ids[row]]] for row in rows]
        history = [[index.get(product_id, -1) for product_id in customers[row].product_ids] for row in rows]
        truth = GroundTruth(
            customer_ids=[ids[row] for row in rows],
            bought=[np.array([i for i in items if i >= 0], dtype=np.int64) for items in bought],
            history=[np.array([i for i in items if i >= 0], dtype=np.int64) for items in history],
            missing=np.array([sum(i < 0 for i in items) for items in bought]),
        )
        return cls([customers[row] for row in rows], truth)

    def batch(self, catalogue: Catalogue) -> CustomerBatch:
        """Return the customers as a batch for a catalogue, without customer vectors."""
        return CustomerBatch.of(self.customers, catalogue, np.zeros((len(self.customers), 0), np.float32))


@dataclass(frozen=True)
class EvaluatedRun:
    """A run at the snapshot that it is evaluated on.

    Attributes:
        run: The run's folder.
        spec: The run's specification.
        data: The run's dataset.
        ids: Ids of all customers with a purchase before the snapshot.
        everyone: The same customers as of the snapshot.
        labels: Purchases in the evaluation window, by customer id. A sample has fewer customers.
    """

    run: Run
    spec: RunSpec
    data: Dataset
    ids: list[str]
    everyone: list[Customer]
    labels: Mapping[str, np.ndarray]

    @classmethod
    def at_snapshot(cls, run: Run) -> "EvaluatedRun":
        """Open a run that need not be evaluated yet."""
        spec, data = RunSpec.read(run), dataset(run)
        ids, everyone = data.customers(spec.split.evaluation)
        return cls(run, spec, data, ids, everyone, data.labels(spec.split.evaluation))

    @classmethod
    def of(cls, run: Run, customers: int | None = None) -> "EvaluatedRun":
        """Open a run that was evaluated.

        Args:
            run: The run.
            customers: The size of a random sample of the evaluated customers; None for all of them.

        Raises:
            RunError: The run was not evaluated, or by an earlier version.
        """
        opened = cls.at_snapshot(run)
        evaluated = Results.load(run.path(artifacts.EVALUATION)).customer_ids
        if customers is not None and customers < len(evaluated):
            chosen = np.random.default_rng(opened.spec.seed).choice(len(evaluated), customers, replace=False)
            evaluated = [evaluated[i] for i in np.sort(chosen)]
        return opened.restricted_to(evaluated)

    def restricted_to(self, customer_ids: Sequence[str]) -> "EvaluatedRun":
        """Return the same run with only these evaluated customers."""
        return replace(self, labels={customer_id: self.labels[customer_id] for customer_id in customer_ids})

    def catalogue(self, fitted_on: Sequence[Customer] | None = None) -> Catalogue:
        """Return the catalogue of the snapshot, with the run's candidate tower.

        Args:
            fitted_on: The customers whose purchases the sources that learn at the snapshot may see (item-to-item,
                user k-nearest-neighbours, factors); None for everyone.
        """
        customers = self.everyone if fitted_on is None else list(fitted_on)
        return catalogue_at(self.run, self.spec, self.data, self.spec.split.evaluation, customers)

    def system(self, fitted_on: Sequence[Customer] | None = None) -> ScoringSystem:
        """Return the system as it is evaluated; `fitted_on` as in `catalogue`."""
        catalogue = self.catalogue(fitted_on)
        _, model = chosen_ranker(self.run)
        return ScoringSystem(catalogue, retriever_with(self.run, self.spec, catalogue), Ranker(model))

    def evaluation_set(self, catalogue: Catalogue) -> EvaluationSet:
        """Return the evaluated customers and what they bought, as indices in the catalogue."""
        return EvaluationSet.of(self.ids, self.everyone, self.labels, catalogue)


def catalogue_at(
    run: Run, spec: RunSpec, data: Dataset, snapshot: datetime, customers: Sequence[Customer]
) -> Catalogue:
    """Build the catalogue of one of the run's snapshots, with the run's candidate tower.

    Args:
        run: The run whose towers are used.
        spec: The run's specification.
        data: The run's dataset.
        snapshot: The instant of the snapshot.
        customers: The customers whose purchases the sources that learn at the snapshot may see.
    """
    folder = run.path(artifacts.RETRIEVAL)
    return build_catalogue(
        as_of=spec.day(snapshot),
        products=data.products(snapshot),
        customers=list(customers),
        vocabulary=Vocabulary.load(folder / VOCABULARY),
        candidate_tower=Tower(folder / CANDIDATE_TOWER),
        sources=spec.config.sources,
        config=spec.config.catalogue,
        seed=spec.seed,
    )


def retriever_with(run: Run, spec: RunSpec, catalogue: Catalogue, quotas: Mapping[str, int] | None = None) -> Retriever:
    """Return the run's first stage for a catalogue, with the configured quotas unless others are given."""
    return Retriever(
        catalogue, Tower(run.path(artifacts.RETRIEVAL) / QUERY_TOWER), quotas or spec.config.candidates_per_source
    )


def chosen_ranker(run: Run) -> tuple[str, Path]:
    """Return the name and the file of the ranker that competes for serving."""
    return run.read_json(artifacts.RANKERS)["chosen"], run.path(artifacts.SELECTED_RANKER) / RANKER


def recommend_lists(recommender: Recommender, customers: Sequence[Customer]) -> tuple[Slates, list[Candidates]]:
    """Recommend with the code that the service uses.

    Returns:
        The lists of both slates, `DEPTH` deep, and each customer's candidates.
    """
    ranked: dict[Slate, list[RankedList]] = {slate: [] for slate in SLATES}
    candidates: list[Candidates] = []
    for block, found, scores in recommender.score(customers):
        candidates += found
        for row in range(len(scores)):
            for slate in SLATES:
                ranked[slate].append(recommender.build_slate(block, row, found[row], scores[row], slate, DEPTH))
    return stack_lists(ranked), candidates


def stack_lists(ranked: Mapping[Slate, Sequence[RankedList]]) -> Slates:
    """Put the customers' lists of each slate into arrays."""
    return {
        slate: RankedLists.of([r.positions for r in lists], [r.scores for r in lists], [r.sources for r in lists])
        for slate, lists in ranked.items()
    }
