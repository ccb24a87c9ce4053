"""Linear models on scaled inputs: a logistic regression and a quantile regression. Each is a table of coefficients."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

MAX_STEPS = 500
SMOOTHING = 0.05
"""Width of the smooth corner of the quantile loss, in standard deviations of the outcome."""


@dataclass(frozen=True)
class Linear:
    """A weighted sum of named inputs.

    Attributes:
        coefficients: weight by input.
        intercept: the sum if all inputs are 0.
    """

    coefficients: Mapping[str, float]
    intercept: float

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the sum, float `[n]`."""
        total = self.intercept + sum(weight * inputs[name] for name, weight in self.coefficients.items())
        return np.asarray(total, dtype=np.float64)

    def rescaled(self, slope: float, intercept: float) -> "Linear":
        """Return `slope × sum + intercept`."""
        weights = {name: slope * weight for name, weight in self.coefficients.items()}
        return Linear(weights, slope * self.intercept + intercept)

    def as_dict(self) -> dict[str, Any]:
        """Return the model as JSON can hold it."""
        return asdict(self)


def fit_logistic(inputs: Mapping[str, np.ndarray], outcomes: np.ndarray, penalty: float) -> Linear:
    """Fit log odds by penalised maximum likelihood; the ridge penalty leaves the intercept free.

    Args:
        inputs: floats `[n]` by name.
        outcomes: bool `[n]`.
        penalty: strength of the penalty on the coefficients of the scaled inputs.
    """
    scaled, mean, scale = _scaled(inputs)
    happened = outcomes.astype(np.float64)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        log_odds = scaled @ parameters[:-1] + parameters[-1]
        error = expit(log_odds) - happened
        value = float(np.sum(np.logaddexp(0, log_odds) - happened * log_odds))
        return value, np.append(scaled.T @ error, error.sum())

    return _minimised(inputs, loss, penalty, mean, scale, 1.0)


def fit_quantile(inputs: Mapping[str, np.ndarray], outcomes: np.ndarray, quantile: float, penalty: float) -> Linear:
    """Fit a quantile of the outcome by the smoothed quantile loss (Koenker & Bassett 1978).

    Args:
        inputs: floats `[n]` by name.
        outcomes: float `[n]`.
        quantile: between 0 and 1.
        penalty: strength of the penalty on the coefficients of the scaled inputs.
    """
    scaled, mean, scale = _scaled(inputs)
    unit = float(outcomes.std()) or 1.0
    target = outcomes / unit

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        residual = (target - scaled @ parameters[:-1] - parameters[-1]) / SMOOTHING
        value = float(np.sum(SMOOTHING * np.logaddexp(0, residual) - (1 - quantile) * SMOOTHING * residual))
        slope = (1 - quantile) - expit(residual)
        return value, np.append(scaled.T @ slope, slope.sum())

    return _minimised(inputs, loss, penalty, mean, scale, unit)


def calibrated(score: np.ndarray, outcomes: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept that make log odds fit the outcomes best (Platt 1999)."""
    curve = fit_logistic({"score": score}, outcomes, penalty=0.0)
    return curve.coefficients["score"], curve.intercept


def _scaled(inputs: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    columns = np.column_stack(list(inputs.values())).astype(np.float64)
    mean, scale = columns.mean(axis=0), columns.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    columns -= mean
    columns /= scale
    return columns, mean, scale


def _minimised(
    inputs: Mapping[str, np.ndarray], loss: Any, penalty: float, mean: np.ndarray, scale: np.ndarray, unit: float
) -> Linear:
    rows = len(next(iter(inputs.values())))

    def total(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss(parameters)
        ridge = np.append(penalty * parameters[:-1], 0.0)
        return (value + 0.5 * float(ridge @ parameters)) / rows, (gradient + ridge) / rows

    start = np.zeros(len(mean) + 1)
    options = {"maxiter": MAX_STEPS, "ftol": 1e-10}
    found = minimize(total, start, jac=True, method="L-BFGS-B", options=options).x * unit
    weights = found[:-1] / scale
    return Linear(dict(zip(inputs, weights.tolist(), strict=True)), float(found[-1] - weights @ mean))
