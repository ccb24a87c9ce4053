"""Which coupon a customer redeems: a conditional logit over the coupons of a campaign (McFadden 1974)."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ml.customers.offers.pairs import Pairs


@dataclass(frozen=True)
class ChoiceModel:
    """A linear attraction of a coupon to a customer, and the rule that it has to beat.

    Attributes:
        coefficients: by input, for standardised inputs.
        means: of the inputs.
        scales: standard deviations of the inputs.
    """

    coefficients: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    @classmethod
    def fit(cls, inputs: np.ndarray, pairs: Pairs, penalty: float) -> "ChoiceModel":
        """Fit by penalised maximum likelihood on the contacts that redeemed something.

        A contact with many redemptions counts by the root of their number, because they are alike.
        """
        redeeming = (pairs.contact_redeemed > 0)[pairs.contact]
        x, chosen, contact = inputs[redeeming], pairs.redeemed[redeeming].astype(float), pairs.contact[redeeming]
        means, scales = x.mean(axis=0), x.std(axis=0) + 1e-9
        x = (x - means) / scales
        starts = np.flatnonzero(np.diff(contact, prepend=-1))
        number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(contact))))
        redeemed = np.add.reduceat(chosen, starts)
        weights = (1 / np.sqrt(redeemed))[number]

        def loss(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
            attraction = x @ coefficients
            attraction = attraction - np.maximum.reduceat(attraction, starts)[number]
            exponential = np.exp(attraction)
            total = np.add.reduceat(exponential, starts)
            likelihood = attraction - np.log(total)[number]
            expected = redeemed[number] * exponential / total[number]
            gradient = -x.T @ (weights * (chosen - expected)) + penalty * coefficients
            return -float(weights @ (chosen * likelihood)) + penalty / 2 * float(coefficients @ coefficients), gradient

        found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300})
        return cls(found.x, means, scales)

    def attraction(self, inputs: np.ndarray) -> np.ndarray:
        """Return the attraction of every pair."""
        return np.asarray(((inputs - self.means) / self.scales) @ self.coefficients)


def own_spend_rule(pairs: Pairs) -> np.ndarray:
    """Return the rule's score: own spend on the coupon's products in 13 weeks; among equals the more popular coupon."""
    popularity = pairs.columns["coupon_buyers_13w"].astype(float)
    return pairs.columns["own_spend_13w"] + 1e-3 * popularity / max(float(popularity.max(initial=0)), 1.0)


def shares(pairs: Pairs, attraction: np.ndarray) -> np.ndarray:
    """Return the probability that a contact's redemption is of this coupon; they sum to 1 per contact."""
    starts = pairs.starts
    exponential = np.exp(attraction - np.maximum.reduceat(attraction, starts)[pairs.contact])
    return np.asarray(exponential / np.add.reduceat(exponential, starts)[pairs.contact])


def total_attraction(pairs: Pairs, attraction: np.ndarray) -> np.ndarray:
    """Return the log of the sum of the exponential attractions of each contact's coupons."""
    starts = pairs.starts
    highest = np.maximum.reduceat(attraction, starts)
    return np.asarray(highest + np.log(np.add.reduceat(np.exp(attraction - highest[pairs.contact]), starts)))
