"""A judged run opened again: the same customers, catalogue, candidates and ranker that `evaluate` judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.data.dataset import Dataset
from ml.evaluation.ground_truth import Truth
from ml.evaluation.results import Results
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from ml.steps.evaluate import Window
from ml.steps.generate_candidates import catalogue_at, retriever_with
from ml.steps.select_ranker import chosen_ranker
from scoring.candidates.retriever import Retriever
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ranker import Ranker
from scoring.recommender import Recommender


@dataclass(frozen=True)
class System:
    """Both stages, in front of one catalogue."""

    catalogue: Catalogue
    retriever: Retriever
    ranker: Ranker

    @property
    def recommender(self) -> Recommender:
        return Recommender(self.retriever, self.ranker)


@dataclass(frozen=True)
class Judged:
    """What a run was judged on.

    ids, everyone: all customers with a purchase before the judged snapshot.
    labels: what each customer bought in the window, by customer id; a sample of them if one was asked for.
    """

    run: Run
    spec: RunSpec
    data: Dataset
    ids: list[str]
    everyone: list[Customer]
    labels: dict[str, np.ndarray]

    @classmethod
    def of(cls, run: Run, customers: int | None = None) -> "Judged":
        """Open an evaluated run; `customers` limits the judged ones to a random sample of that size."""
        spec, data = RunSpec.read(run), dataset(run)
        results = Results.load(run.path(artifacts.EVALUATION))
        ids, everyone = data.customers(spec.split.evaluation)
        labels, judged = data.labels(spec.split.evaluation), results.customer_ids
        if customers is not None and customers < len(judged):
            chosen = np.random.default_rng(spec.seed).choice(len(judged), customers, replace=False)
            judged = [judged[i] for i in np.sort(chosen)]
        return cls(run, spec, data, ids, everyone, {name: labels[name] for name in judged})

    def only(self, customer_ids: Sequence[str]) -> "Judged":
        """The same run with these judged customers alone."""
        return replace(self, labels={customer_id: self.labels[customer_id] for customer_id in customer_ids})

    def system(self, learned_from: Sequence[Customer] | None = None) -> System:
        """The system as judged; `learned_from`: instead of everyone, the customers whose purchases the sources that
        learn at the snapshot (item-to-item, neighbours, factors) may know."""
        known = self.everyone if learned_from is None else list(learned_from)
        catalogue = catalogue_at(self.run, self.spec, self.data, self.spec.split.evaluation, known)
        _, model = chosen_ranker(self.run)
        return System(catalogue, retriever_with(self.run, self.spec, catalogue), Ranker(model))

    def window(self, catalogue: Catalogue) -> tuple[list[Customer], Truth]:
        """The judged customers and what they bought, as places in the catalogue."""
        window = Window.of(self.ids, self.everyone, self.labels, catalogue)
        return window.customers, window.truth
