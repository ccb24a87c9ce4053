"""Spend of the next 8 weeks with an 80% interval: quantile regressions, widened by split-conformal prediction.

Everything is on the square-root scale, where errors are about as wide for large customers as for small ones. A quantile
of the root is the root of the quantile, so nothing is lost on the way back.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.customers.part import Measure
from ml.customers.predictions.bg_nbd import BgNbd
from ml.customers.predictions.columns import SPEND_RULE, behaviour, spend_rates
from ml.customers.predictions.evaluation import estimate, lead, mean, wape
from ml.customers.predictions.history import Customers
from ml.customers.predictions.linear import Linear, fit_quantile
from ml.customers.predictions.windows import Examples

WEEKS = 8
COVERAGE = 0.8
MIN_COVERED, MAX_COVERED = 0.77, 0.83
MAX_WAPE = 0.385
WAPE_MARGIN = 0.005
"""The upper end of the interval of the model's WAPE less the rule's must be below this."""
PENALTY = 50.0


@dataclass(frozen=True)
class SpendModel:
    """Three quantiles of the square root of the spend.

    Attributes:
        low: the 10% quantile.
        middle: the median, which is the prediction.
        high: the 90% quantile.
        margin: by how much both ends are moved outwards, so that the interval covers 80% of the newest closed window
            (conformalized quantile regression, Romano, Patterson & Candès 2019).
    """

    low: Linear
    middle: Linear
    high: Linear
    margin: float

    @classmethod
    def fit(cls, bg_nbd: BgNbd, training: Examples, recent: Examples) -> "SpendModel":
        """Fit the quantiles on the training windows, and the margin on the newest closed one."""
        inputs = training.columns(lambda customers: inputs_of(customers, bg_nbd))
        roots = np.sqrt(training.spent)
        tail = (1 - COVERAGE) / 2
        low, middle, high = (fit_quantile(inputs, roots, quantile, PENALTY) for quantile in (tail, 0.5, 1 - tail))
        return cls(low, middle, high, margin=0.0).conformalized(bg_nbd, recent)

    @classmethod
    def of_rule(cls, bg_nbd: BgNbd, recent: Examples) -> "SpendModel":
        """Return the rule, the rate of the last 13 weeks, with the interval of its errors in a window."""
        rate = Linear({SPEND_RULE: 1.0}, 0.0)
        inputs = recent.columns(lambda customers: inputs_of(customers, bg_nbd))
        errors = np.sqrt(recent.spent) - rate(inputs)
        low, high = np.quantile(errors, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        ends = [Linear(rate.coefficients, float(end)) for end in (low, high)]
        return cls(ends[0], rate, ends[1], margin=0.0).conformalized(bg_nbd, recent)

    def conformalized(self, bg_nbd: BgNbd, recent: Examples) -> "SpendModel":
        """Return the model with the margin that makes its interval cover 80% of a window."""
        low, _, high = self._roots(recent.columns(lambda customers: inputs_of(customers, bg_nbd)))
        actual = np.sqrt(recent.spent)
        outside = np.sort(np.maximum(low - actual, actual - high))
        rank = min(len(outside), int(np.ceil((len(outside) + 1) * COVERAGE)))
        return SpendModel(self.low, self.middle, self.high, float(outside[rank - 1]))

    def predict(self, inputs: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return lower end, prediction and upper end in the shop's currency, floats `[n]`, from `inputs_of`."""
        low, middle, high = self._roots(inputs)
        low, middle = np.maximum(low - self.margin, 0.0), np.maximum(middle, 0.0)
        high = np.maximum(high + self.margin, 0.0)
        return np.minimum(low, middle) ** 2, middle**2, np.maximum(high, middle) ** 2

    def as_dict(self) -> dict[str, Any]:
        """Return the model as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SpendModel":
        """Return the model that `as_dict` described."""
        low, middle, high = (Linear(**values[name]) for name in ("low", "middle", "high"))
        return cls(low, middle, high, values["margin"])

    def _roots(self, inputs: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.maximum(self.low(inputs), 0.0), self.middle(inputs), np.maximum(self.high(inputs), 0.0)


def inputs_of(customers: Customers, bg_nbd: BgNbd) -> dict[str, np.ndarray]:
    """Return everything that the quantiles read."""
    return behaviour(customers, bg_nbd) | spend_rates(customers, bg_nbd)


@dataclass(frozen=True)
class EvaluatedSpend:
    """How model and rule did on the evaluation window, and which of them is published; see `orders.Evaluated`."""

    ships: SpendModel
    is_model: bool
    reason: str
    measures: dict[str, Measure]
    row: dict[str, str | float | None]


def evaluate(model: SpendModel, fallback: SpendModel, bg_nbd: BgNbd, examples: Examples, seed: int) -> EvaluatedSpend:
    """Compare the model with the rule on the evaluation window, paired over customers."""
    customers, actual = examples.ids, examples.spent
    inputs = examples.columns(lambda each: inputs_of(each, bg_nbd))
    by_model, by_rule = (each.predict(inputs) for each in (model, fallback))
    covered, rule_covered = ((actual >= low) & (actual <= high) for low, _, high in (by_model, by_rule))
    difference = estimate(lead(wape(by_model[1], actual), wape(by_rule[1], actual)), customers, seed)
    upper = difference.high if difference.high is not None else 1.0
    is_model = upper < WAPE_MARGIN and MIN_COVERED <= covered.mean() <= MAX_COVERED
    shipped, inside = (by_model, covered) if is_model else (by_rule, rule_covered)
    width = float((shipped[2] - shipped[0]).mean())
    measures = {
        "spend_8w_wape": estimate(wape(shipped[1], actual), customers, seed, MAX_WAPE, at_most=True),
        "spend_8w_covered": estimate(mean(inside), customers, seed, MIN_COVERED),
        "spend_8w_bias": Measure(float(shipped[1].sum() / max(actual.sum(), 1e-9) - 1)),
    }
    reason = (
        f"spend_8w: the {'model' if is_model else 'rate of the last 13 weeks'} is published. The model's WAPE less the "
        f"rule's is {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]; its 80% interval covers "
        f"{covered.mean():.1%} (allowed {MIN_COVERED:.0%} to {MAX_COVERED:.0%})."
    )
    row: dict[str, str | float | None] = {
        "target": "spend_8w",
        "published": "model" if is_model else "13-week rate",
        "model_wape": float(np.abs(by_model[1] - actual).sum() / max(actual.sum(), 1e-9)),
        "rule_wape": float(np.abs(by_rule[1] - actual).sum() / max(actual.sum(), 1e-9)),
        "model_covered": float(covered.mean()),
        "rule_covered": float(rule_covered.mean()),
        "mean_width": width,
    }
    return EvaluatedSpend(model if is_model else fallback, is_model, reason, measures, row)
