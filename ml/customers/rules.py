"""Simple rules that the model must beat: recency, and BG/NBD on recency and frequency.

BG/NBD (Fader, Hardie & Lee 2005, "Counting Your Customers the Easy Way") has four parameters. A customer buys at a rate
that is gamma distributed over customers (r, alpha) and leaves after a purchase with a probability that is beta
distributed (a, b).
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln, logit

from ml.customers.dataset import FEATURES, RECENCY

DAYS_A_WEEK = 7.0
MIN_PROBABILITY = 1e-6


@dataclass(frozen=True)
class BgNbd:
    """The parameters of a fitted BG/NBD; time is in weeks."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, features: np.ndarray) -> "BgNbd":
        """Fit by maximum likelihood.

        Args:
            features: the columns of `FEATURES` of the customers of one snapshot, float `[n, features]`.
        """
        x, t_x, age = repeat_purchases(features)

        def loss(log_parameters: np.ndarray) -> float:
            r, alpha, a, b = np.exp(log_parameters)
            common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            leaves = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
            active = -(r + x) * np.log(alpha + age)
            gone = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
            # A customer without a repeat purchase cannot have left after one.
            either = np.where(x > 0, np.logaddexp(active, gone), active)
            return -float(np.mean(common + leaves + either))

        found = minimize(loss, np.zeros(4), method="L-BFGS-B", bounds=[(-7, 7)] * 4)
        return cls(*np.exp(found.x).tolist())

    def no_purchase(self, features: np.ndarray, weeks: float) -> np.ndarray:
        """Return the probability of no purchase in the next weeks, float `[n]`."""
        x, t_x, age = repeat_purchases(features)
        odds_gone = self.a / (self.b + np.maximum(x, 1) - 1) * ((self.alpha + age) / (self.alpha + t_x)) ** (self.r + x)
        active = 1 / (1 + np.where(x > 0, odds_gone, 0.0))
        silent = ((self.alpha + age) / (self.alpha + age + weeks)) ** (self.r + x)
        return np.asarray(1 - active * (1 - silent))

    def as_dict(self) -> dict[str, float]:
        """Return the parameters by name."""
        return asdict(self)


def repeat_purchases(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what BG/NBD reads: repeat purchases, and weeks from the first purchase to the last one and to now."""
    by_name = {name: features[:, FEATURES.index(name)] for name in ("baskets", RECENCY, "days_since_first_basket")}
    age = by_name["days_since_first_basket"] / DAYS_A_WEEK
    t_x = np.clip(age - by_name[RECENCY] / DAYS_A_WEEK, 0.0, None)
    return np.maximum(by_name["baskets"] - 1, 0.0), t_x, age


def recency_score(features: np.ndarray) -> np.ndarray:
    """Return how long ago a customer bought, on a logarithmic scale, float `[n]`."""
    return np.asarray(np.log1p(features[:, FEATURES.index(RECENCY)]))


def bg_nbd_score(parameters: BgNbd, features: np.ndarray, weeks: float) -> np.ndarray:
    """Return the log odds of no purchase by BG/NBD, float `[n]`."""
    probability = np.clip(parameters.no_purchase(features, weeks), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.asarray(logit(probability))


@dataclass(frozen=True)
class Calibration:
    """A rule's score as a probability: a logistic curve with two parameters (Platt 1999)."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, scores: np.ndarray, churned: np.ndarray) -> "Calibration":
        """Fit by maximum likelihood on scores `[n]` and outcomes, bool `[n]`."""

        def loss(parameters: np.ndarray) -> float:
            log_odds = parameters[0] * scores + parameters[1]
            return float(np.mean(np.logaddexp(0, log_odds) - churned * log_odds))

        found = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B")
        return cls(float(found.x[0]), float(found.x[1]))

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities, float `[n]`."""
        return np.asarray(expit(self.slope * scores + self.intercept))
