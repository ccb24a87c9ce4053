"""The churn model: a logistic regression on scaled customer features and on the log odds of BG/NBD.

BG/NBD is one of the inputs, so the model can only add to the strongest rule. All of it is a few dozen numbers, which a
bundle holds as JSON.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from ml.customers.dataset import FEATURES, RECENCY, Examples
from ml.customers.rules import BgNbd, Calibration, bg_nbd_score

PER_WEEK = ("baskets", "campaigns_received", "coupon_redemptions")
"""Counts since a customer's first basket. They enter per week, because the history behind a snapshot grows."""

PER_BASKET = ("products",)

WITHOUT_LOG = ("new_product_share_8w", "discount_share")
"""Shares enter as they are; all other inputs as log(1 + value)."""

LEFT_OUT = ("days_since_first_basket",)
"""Its range grows with the history; BG/NBD reads it."""

BG_NBD_INPUT = "bg_nbd_log_odds"

INPUTS = (*(name for name in FEATURES if name not in LEFT_OUT), "overdue", "recent_rate_change", BG_NBD_INPUT)
"""What the regression reads. `overdue` is the days since the last basket over the usual gap, `recent_rate_change`
compares the baskets per week of 4 weeks with those of 13, both on a logarithmic scale."""


@dataclass(frozen=True)
class ChurnModel:
    """A fitted model.

    Attributes:
        horizon_weeks: it predicts no purchase in this many weeks.
        bg_nbd: the parameters behind the last input.
        mean: of each input over the training examples, `[inputs]`.
        scale: standard deviation of each input, `[inputs]`.
        coefficients: of the scaled inputs, `[inputs]`.
        intercept: the log odds of a customer with mean inputs.
    """

    horizon_weeks: int
    bg_nbd: BgNbd
    mean: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray
    intercept: float

    @classmethod
    def fit(cls, examples: Examples, horizon_weeks: int, bg_nbd: BgNbd, penalty: float) -> "ChurnModel":
        """Fit by penalised maximum likelihood (ridge; the intercept is free).

        Args:
            examples: customers with their outcomes.
            horizon_weeks: the horizon of the outcomes.
            bg_nbd: fitted on customers of a snapshot that is not newer than the examples.
            penalty: strength of the ridge penalty on the sum of the examples' log losses.
        """
        inputs = _inputs(examples.features, bg_nbd, horizon_weeks)
        mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        scaled, churned = (inputs - mean) / scale, examples.churned.astype(float)

        def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
            log_odds = scaled @ parameters[:-1] + parameters[-1]
            error = expit(log_odds) - churned
            value = float(np.sum(np.logaddexp(0, log_odds) - churned * log_odds))
            gradient = np.append(scaled.T @ error + penalty * parameters[:-1], error.sum())
            total = value + 0.5 * penalty * float(parameters[:-1] @ parameters[:-1])
            return total / len(churned), gradient / len(churned)

        start = np.zeros(inputs.shape[1] + 1)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "ftol": 1e-12}).x
        return cls(horizon_weeks, bg_nbd, mean, scale, found[:-1], float(found[-1]))

    @classmethod
    def of_rule(cls, horizon_weeks: int, bg_nbd: BgNbd, read: str, rule: Calibration) -> "ChurnModel":
        """Return a calibrated rule as a model: a regression that reads one input.

        Args:
            horizon_weeks: it predicts no purchase in this many weeks.
            bg_nbd: the parameters behind the last input.
            read: the one of `INPUTS` that is the rule's score.
            rule: the score's calibration.
        """
        nothing = np.zeros(len(INPUTS))
        coefficients = np.where(np.array(INPUTS) == read, rule.slope, 0.0)
        return cls(horizon_weeks, bg_nbd, nothing, nothing + 1, coefficients, rule.intercept)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of churn, float `[n]`, from the columns of `FEATURES`, `[n, features]`."""
        inputs = _inputs(features, self.bg_nbd, self.horizon_weeks)
        return np.asarray(expit((inputs - self.mean) / self.scale @ self.coefficients + self.intercept))

    def as_dict(self) -> dict[str, Any]:
        """Return the model as JSON can hold it."""
        return {
            "horizon_weeks": self.horizon_weeks,
            "bg_nbd": self.bg_nbd.as_dict(),
            "inputs": list(INPUTS),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "coefficients": self.coefficients.tolist(),
            "intercept": self.intercept,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ChurnModel":
        """Return the model that `as_dict` described.

        Raises:
            ValueError: it was trained on other inputs than this code computes.
        """
        if values["inputs"] != list(INPUTS):
            raise ValueError(f"the model reads the inputs {values['inputs']}, and this code computes {list(INPUTS)}")
        mean, scale, coefficients = (np.array(values[name]) for name in ("mean", "scale", "coefficients"))
        bg_nbd = BgNbd(**values["bg_nbd"])
        return cls(values["horizon_weeks"], bg_nbd, mean, scale, coefficients, values["intercept"])


def _inputs(features: np.ndarray, bg_nbd: BgNbd, weeks: int) -> np.ndarray:
    """Return the columns of `INPUTS`, float `[n, inputs]`."""
    by_name = dict(zip(FEATURES, features.T, strict=True))
    weeks_known = np.maximum(by_name["days_since_first_basket"] / 7, 1.0)
    columns = []
    for name in (name for name in FEATURES if name not in LEFT_OUT):
        values = by_name[name]
        if name in PER_WEEK:
            values = values / weeks_known
        elif name in PER_BASKET:
            values = values / np.maximum(by_name["baskets"], 1.0)
        columns.append(values if name in WITHOUT_LOG else np.log1p(np.maximum(values, 0.0)))
    overdue = np.log1p(by_name[RECENCY] / np.maximum(by_name["gap_mean_days"], 1.0))
    change = np.log1p(by_name["baskets_4w"] / 4) - np.log1p(by_name["baskets_13w"] / 13)
    return np.column_stack([*columns, overdue, change, bg_nbd_score(bg_nbd, features, float(weeks))])
