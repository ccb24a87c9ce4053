"""Estimate how many customers of an audience will buy, at several sizes, with an interval."""

from dataclasses import dataclass

import numpy as np

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Sizes of the curve, as shares of the customers who could be reached."""

Z_95 = 1.96


@dataclass(frozen=True)
class Reach:
    """A number of customers reached first, and how many of them are expected to buy.

    Attributes:
        customers: how many are reached, those with the highest probability first.
        share: of those who could be reached.
        expected_buyers: the sum of their probabilities.
        low: lower end of the 95% interval of the number of buyers.
        high: upper end.
    """

    customers: int
    share: float
    expected_buyers: float
    low: float
    high: float


def reach(probabilities: np.ndarray, customers: int, spread: float) -> Reach:
    """Return the expected buyers among the first customers.

    Args:
        probabilities: of all who could be reached, descending.
        customers: how many are reached.
        spread: how far an item's log odds differ from the model's beyond chance (`AudienceModel.spread`).
    """
    reached = probabilities[:customers]
    expected = float(reached.sum())
    chance = float((reached * (1 - reached)).sum())  # also how fast the expected buyers grow with the log odds
    width = Z_95 * float(np.sqrt(chance + (spread * chance) ** 2))
    share = customers / len(probabilities) if len(probabilities) else 0.0
    return Reach(customers, share, expected, max(0.0, expected - width), min(float(customers), expected + width))


def curve(probabilities: np.ndarray, spread: float) -> list[Reach]:
    """Return the reach at each of `SHARES`; sizes of less than one customer are left out."""
    sizes = [round(share * len(probabilities)) for share in SHARES]
    return [reach(probabilities, size, spread) for size in sizes if size]
