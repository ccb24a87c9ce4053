"""Penalised logistic regression with an intercept per campaign type, as a table of coefficients."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

INTERCEPT_PENALTY = 2.0
"""Draws the intercept of a type with few examples to that of all types."""


@dataclass(frozen=True)
class Logistic:
    """Coefficients of standardised inputs.

    Attributes:
        intercept: of all types.
        by_type: what a campaign's type adds; a type that was not seen adds nothing.
        coefficients: of the inputs.
        means: of the inputs.
        scales: standard deviations of the inputs.
    """

    intercept: float
    by_type: Mapping[str, float]
    coefficients: Sequence[float]
    means: Sequence[float]
    scales: Sequence[float]

    @classmethod
    def fit(cls, inputs: np.ndarray, types: np.ndarray, outcome: np.ndarray, penalty: float) -> "Logistic":
        """Fit by penalised maximum likelihood."""
        names = sorted(set(types.tolist()))
        means, scales = inputs.mean(axis=0), inputs.std(axis=0) + 1e-9
        x = np.column_stack(
            [np.ones(len(outcome)), *(types == name for name in names), (inputs - means) / scales]
        ).astype(float)
        penalties = np.concatenate([[0.0], np.full(len(names), INTERCEPT_PENALTY), np.full(inputs.shape[1], penalty)])
        y = outcome.astype(float)

        def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
            z = x @ beta
            value = float(np.logaddexp(0, z).sum() - y @ z) + float(penalties @ beta**2) / 2
            return value, x.T @ (expit(z) - y) + penalties * beta

        start = np.zeros(x.shape[1])
        start[0] = np.log((y.sum() + 0.5) / (len(y) - y.sum() + 0.5))
        beta = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
        of_types = dict(zip(names, beta[1 : 1 + len(names)].tolist(), strict=True))
        return cls(float(beta[0]), of_types, beta[1 + len(names) :].tolist(), means.tolist(), scales.tolist())

    def predict(self, inputs: np.ndarray, types: np.ndarray) -> np.ndarray:
        """Return the probability of every row."""
        shift = np.array([self.by_type.get(name, 0.0) for name in types.tolist()])
        standard = (inputs - np.array(self.means)) / np.array(self.scales)
        return np.asarray(expit(self.intercept + shift + standard @ np.array(self.coefficients)))

    def as_dict(self) -> dict[str, Any]:
        """Return the coefficients as JSON holds them."""
        return asdict(self)
