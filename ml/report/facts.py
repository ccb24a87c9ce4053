"""Define the facts that the pages of the report print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from experiments.bootstrap import Estimate
from ml.config import TrainingWindowsConfig
from ml.evaluation.calibration import SlateCalibration
from ml.evaluation.diversity import DiversityPoint
from ml.evaluation.slices import Slice
from ml.report.sample_customers import SampleCustomer

StudyResult = Mapping[str, Any]
"""The JSON of an optional step. Each template reads the keys of its own study."""


@dataclass(frozen=True)
class MethodSummary:
    """One method's means, their 95% intervals and its coverage, by score."""

    means: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    coverage: Mapping[str, int]


@dataclass(frozen=True)
class ResultsSummary:
    """The results of an evaluation, as `run.json` has them."""

    customers: int
    ranker: str
    champion: str | None
    candidates: Mapping[str, float]
    methods: Mapping[str, MethodSummary]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ResultsSummary":
        """Read what `Results.summary` wrote."""
        methods = {name: MethodSummary(**method) for name, method in values["methods"].items()}
        return cls(**{**values, "methods": methods})


@dataclass(frozen=True)
class Decision:
    """The gate's decision, as `gate.json` has it without its evidence."""

    publish: bool
    reasons: Sequence[str]
    opponent: str
    policy: Mapping[str, Any]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Decision":
        """Read what the step `gate` wrote."""
        return cls(values["publish"], values["reasons"], values["opponent"], values["policy"])


@dataclass(frozen=True)
class ProductExposure:
    """The shares of customers who have one product in their first ten, in our lists and in the other method's."""

    product_id: str
    name: str
    ours: float
    other: float


@dataclass(frozen=True)
class ListChange:
    """How one slate changes if our lists replace another method's.

    Attributes:
        overlap: The mean share of the first ten that both have.
        counts: How many customers share 0, 1, … 10 of their first ten.
        gained: Products that more customers see, the greatest change first.
        lost: Products that fewer customers see, the greatest change first.
    """

    overlap: float
    counts: Sequence[int]
    gained: Sequence[ProductExposure]
    lost: Sequence[ProductExposure]


@dataclass(frozen=True)
class ReportFacts:
    """The facts of a run that trained and evaluated.

    Attributes:
        run_id: The run's id.
        folder: The run's folder, as one would type it.
        spec: The run's specification.
        evaluated_from: The first day of the evaluation window.
        evaluated_until: The last day of the evaluation window.
        results: Means, intervals and coverage of every method.
        ours: The name of the run's own model among the methods.
        opponent: The method that the gate compared with.
        baseline: The baseline that slices are compared with.
        differences: Paired differences ours - other, by other method and score.
        gate: The gate's decision.
        curves: Learning curves by the trained model, one row per epoch.
        source_contributions: One row per candidate source.
        diversity_customers: The size of the sample behind `diversity`.
        sample_customers: Ten evaluated customers.
        list_changes: Changes against the opponent's lists, by slate.
        slices: Groups of customers with their differences; None where no group is large enough.
        calibration: Calibration by slate.
        diversity: One row per setting, by slate.
        published: The registered version; None if there is none.
        rankers: The comparison of the rankers.
        encoders: The comparison of the query encoders.
        standalone_sources: The result of the step `candidate-sources`.
        ablation: The result of the step `ablate`.
        cold_start: The result of the step `cold-start`.
        new_items: The result of the step `new-items`.
    """

    run_id: str
    folder: str
    spec: Mapping[str, Any]
    evaluated_from: date
    evaluated_until: date
    results: ResultsSummary
    ours: str
    opponent: str
    baseline: str
    differences: Mapping[str, Mapping[str, Estimate]]
    gate: Decision
    curves: Mapping[str, Sequence[Mapping[str, Any]]]
    source_contributions: Mapping[str, Mapping[str, float | None]]
    diversity_customers: int
    sample_customers: Sequence[SampleCustomer]
    list_changes: Mapping[str, ListChange]
    slices: Sequence[Slice] | None = None
    calibration: Mapping[str, SlateCalibration] | None = None
    diversity: Mapping[str, Sequence[DiversityPoint]] | None = None
    published: StudyResult | None = None
    rankers: StudyResult | None = None
    encoders: StudyResult | None = None
    standalone_sources: StudyResult | None = None
    ablation: StudyResult | None = None
    cold_start: StudyResult | None = None
    new_items: StudyResult | None = None


@dataclass(frozen=True)
class PopularProduct:
    """A product and how many customers bought it in the last four weeks."""

    name: str
    buyers: int


@dataclass(frozen=True)
class BaselineFacts:
    """The facts of a run that trained nothing.

    Attributes:
        run_id: The run's id.
        folder: The run's folder, as one would type it.
        spec: The run's specification.
        because: Why there is too little data.
        baseline: The name of the baseline that serves.
        min_evaluated: Number of evaluated customers that the gate requires.
        windows: Weeks and customers that training requires.
        customers: Number of customers on the features' day.
        products: Number of products on the features' day.
        popular: The most popular products of that day.
    """

    run_id: str
    folder: str
    spec: Mapping[str, Any]
    because: str
    baseline: str
    min_evaluated: int
    windows: TrainingWindowsConfig
    customers: int
    products: int
    popular: Sequence[PopularProduct]
