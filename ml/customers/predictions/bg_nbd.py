"""BG/NBD (Fader, Hardie & Lee 2005, "Counting Your Customers the Easy Way"), fitted by maximum likelihood.

A customer buys at a rate that is gamma distributed over customers (r, alpha), and leaves after a purchase with a
probability that is beta distributed (a, b). Time is in weeks.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, logit

MIN_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Repeats:
    """The purchase history of each customer as BG/NBD reads it, arrays of floats `[n]`.

    Attributes:
        count: purchases after the first one.
        last: weeks from the first purchase to the last one.
        age: weeks from the first purchase to now.
    """

    count: np.ndarray
    last: np.ndarray
    age: np.ndarray


@dataclass(frozen=True)
class BgNbd:
    """The four parameters."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, customers: Repeats) -> "BgNbd":
        """Fit by maximum likelihood."""
        x, t_x, age = customers.count, customers.last, customers.age

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

    def no_purchase(self, customers: Repeats, weeks: float) -> np.ndarray:
        """Return the probability of no purchase in the next weeks, float `[n]`."""
        x, t_x, age = customers.count, customers.last, customers.age
        odds_gone = self.a / (self.b + np.maximum(x, 1) - 1) * ((self.alpha + age) / (self.alpha + t_x)) ** (self.r + x)
        active = 1 / (1 + np.where(x > 0, odds_gone, 0.0))
        silent = ((self.alpha + age) / (self.alpha + age + weeks)) ** (self.r + x)
        return np.asarray(1 - active * (1 - silent))

    def order_log_odds(self, customers: Repeats, weeks: float) -> np.ndarray:
        """Return the log odds of a purchase in the next weeks, float `[n]`."""
        order = 1 - self.no_purchase(customers, weeks)
        return np.asarray(logit(np.clip(order, MIN_PROBABILITY, 1 - MIN_PROBABILITY)))
