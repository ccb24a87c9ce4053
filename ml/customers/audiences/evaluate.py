"""Measure orders of customers against what they bought: lifts, calibration, intervals and reach by group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from marketing.audience.curve import SHARES, reach
from marketing.audience.inputs import NEW_INPUTS, PAST_INPUTS
from marketing.audience.scorers import NEW, PAST
from ml.customers.audiences.examples import ItemExamples
from ml.customers.audiences.fit import FREQUENCY, LOGISTIC, METHODS, PARENT_FREQUENCY, SPEND, Fitted, probabilities

TOP = 0.1
RESAMPLES = 1000
BINS = 15
MARGIN = 0.05
"""How much lift a logistic regression may lose to a rule within chance, if its probabilities are better."""

PUBLISHED = "published"


@dataclass(frozen=True)
class Difference:
    """A mean over items with its 95% bootstrap interval."""

    mean: float
    low: float
    high: float


def lift(scores: np.ndarray, bought: np.ndarray) -> float:
    """Return the share of buyers in the best tenth over the share in all; NaN without buyers.

    Customers with equal scores keep their order.
    """
    if not bought.any():
        return float("nan")
    best = np.argsort(-scores, kind="stable")[: max(1, round(TOP * len(scores)))]
    return float(bought[best].mean() / bought.mean())


def over_items(values: Sequence[float], seed: int) -> Difference:
    """Return the mean over items, which are resampled for the interval; items without a buyer are left out."""
    known = np.array([value for value in values if not np.isnan(value)])
    if not len(known):
        return Difference(float("nan"), float("nan"), float("nan"))
    drawn = np.random.default_rng(seed).integers(0, len(known), (RESAMPLES, len(known)))
    low, high = np.quantile(known[drawn].mean(axis=1), [0.025, 0.975])
    return Difference(float(known.mean()), float(low), float(high))


@dataclass
class MethodResults:
    """Lift and mean log loss of each method, item by item, for one kind of buyer."""

    lifts: dict[str, list[float]] = field(default_factory=dict)
    losses: dict[str, list[float]] = field(default_factory=dict)

    def add(self, method: str, predicted: np.ndarray, bought: np.ndarray) -> None:
        """Add an item."""
        if not len(bought):
            return
        clipped = np.clip(predicted, 1e-9, 1 - 1e-9)
        loss = -np.where(bought, np.log(clipped), np.log1p(-clipped))
        self.lifts.setdefault(method, []).append(lift(predicted, bought))
        self.losses.setdefault(method, []).append(float(loss.mean()))

    def best_rule(self) -> str:
        """Return the rule with the highest lift."""
        rules = [method for method in self.lifts if method != LOGISTIC]
        return max(rules, key=lambda method: over_items(self.lifts[method], 0).mean)

    def choose(self, seed: int) -> tuple[str, str]:
        """Return the method to publish, and a sentence with the figures.

        The logistic regression is published if its log loss is lower, and its lift is higher or at most `MARGIN` lower,
        each by a 95% interval over items.
        """
        rule = self.best_rule()
        lifts = over_items(np.subtract(self.lifts[LOGISTIC], self.lifts[rule]).tolist(), seed)
        losses = over_items(np.subtract(self.losses[rule], self.losses[LOGISTIC]).tolist(), seed)
        figures = (
            f"lift at 10% {np.nanmean(self.lifts[LOGISTIC]):.2f} against {np.nanmean(self.lifts[rule]):.2f} by {rule} "
            f"(difference {lifts.low:+.2f} to {lifts.high:+.2f}), log loss lower by {losses.mean:.4f} "
            f"({losses.low:+.4f} to {losses.high:+.4f})"
        )
        wins = lifts.low > -MARGIN and losses.low > 0
        return (LOGISTIC, f"a logistic regression, {figures}") if wins else (rule, f"the rule {rule}, {figures}")


def compare_methods(fitted: Fitted, examples: Iterable[ItemExamples]) -> dict[str, MethodResults]:
    """Return the results of every method by kind of buyer."""
    results = {PAST: MethodResults(), NEW: MethodResults()}
    for example in examples:
        is_past = example.inputs.is_past
        rows = {
            PAST: (example.inputs.past, PAST_INPUTS, example.bought[is_past]),
            NEW: (example.inputs.new, NEW_INPUTS, example.bought[~is_past]),
        }
        for buyers, (values, names, bought) in rows.items():
            for method in METHODS[buyers]:
                results[buyers].add(method, fitted[buyers][method].probabilities(values, names), bought)
    return results


@dataclass
class Evaluation:
    """The published probabilities of one kind of item on one window.

    Attributes:
        lifts_all: by method, the lift of each item among all active customers.
        lifts_new: the same among customers who never bought the item.
        calibration: rows, predicted and bought by bin of the predicted probability, `[bins, 3]`.
        covered: for each item and size of the curve, whether the interval holds the number of buyers.
    """

    lifts_all: dict[str, list[float]] = field(default_factory=dict)
    lifts_new: dict[str, list[float]] = field(default_factory=dict)
    calibration: np.ndarray = field(default_factory=lambda: np.zeros((BINS, 3)))
    covered: list[bool] = field(default_factory=list)

    @property
    def ece(self) -> float:
        """Return the expected calibration error over bins of the probability's square root."""
        rows = self.calibration[:, 0].sum()
        return float(np.abs(self.calibration[:, 1] - self.calibration[:, 2]).sum() / rows) if rows else float("nan")

    def add(self, example: ItemExamples, predicted: np.ndarray, spread: float) -> None:
        """Add an item with the published probabilities."""
        is_past = example.inputs.is_past
        scores = {PUBLISHED: predicted} | _rule_scores(example)
        for method, values in scores.items():
            self.lifts_all.setdefault(method, []).append(lift(values, example.bought))
            self.lifts_new.setdefault(method, []).append(lift(values[~is_past], example.bought[~is_past]))
        bins = np.minimum((np.sqrt(predicted) * BINS).astype(int), BINS - 1)
        ones = np.ones(len(predicted))
        for column, weights in enumerate((ones, predicted, example.bought.astype(float))):
            self.calibration[:, column] += np.bincount(bins, weights, BINS)
        order = np.argsort(-predicted, kind="stable")
        for share in SHARES:
            size = round(share * len(order))
            found = reach(predicted[order], size, spread)
            self.covered.append(found.low <= int(example.bought[order[:size]].sum()) <= found.high)


def evaluate(fitted: Fitted, chosen: Mapping[str, str], examples: Iterable[ItemExamples], spread: float) -> Evaluation:
    """Evaluate the published probabilities item by item."""
    evaluation = Evaluation()
    for example in examples:
        evaluation.add(example, probabilities(fitted, chosen, example), spread)
    return evaluation


def spread_of(fitted: Fitted, chosen: Mapping[str, str], examples: Iterable[ItemExamples]) -> float:
    """Return the standard deviation from item to item of the true log odds around the predicted ones.

    A shift of the log odds by d adds d times the variance of chance to the expected buyers. So the squared errors
    beyond chance, over the squared variances, estimate its square.
    """
    excess, squares = 0.0, 0.0
    for example in examples:
        predicted = probabilities(fitted, chosen, example)
        order = np.argsort(-predicted, kind="stable")
        for share in SHARES:
            reached = order[: round(share * len(order))]
            chance = float((predicted[reached] * (1 - predicted[reached])).sum())
            error = float(example.bought[reached].sum() - predicted[reached].sum())
            excess += error**2 - chance
            squares += chance**2
    return float(np.sqrt(max(0.0, excess / squares))) if squares else 0.0


def _rule_scores(example: ItemExamples) -> dict[str, np.ndarray]:
    """Return the orders by simple rules; past buyers precede the others where frequency counts."""
    inputs, is_past = example.inputs, example.inputs.is_past

    def merged(past: np.ndarray, new: np.ndarray) -> np.ndarray:
        scores = np.empty(len(is_past))
        scores[is_past], scores[~is_past] = past, new
        return scores

    def column(name: str) -> np.ndarray:
        return merged(inputs.past[:, PAST_INPUTS.index(name)], inputs.new[:, NEW_INPUTS.index(name)])

    frequency = merged(
        inputs.past[:, PAST_INPUTS.index("own_lately")] + 100, inputs.new[:, NEW_INPUTS.index("spend_13w")]
    )
    return {FREQUENCY: frequency, PARENT_FREQUENCY: column("parent_lately"), SPEND: column("spend_13w")}
