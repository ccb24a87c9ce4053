"""The covariates that an effect is adjusted for: spend before a customer was assigned."""

import numpy as np

PRE_WEEKS = 16
"""Weeks before the assignment whose spend is used."""


def covariates(before: np.ndarray) -> np.ndarray:
    """Return the last four weeks' spend, the four weeks' before, the eight weeks' before, and weeks with purchases.

    Args:
        before: Float `[customers, 16]`, spend by week, the oldest week first.
    """
    return np.column_stack(
        [
            before[:, -4:].sum(axis=1),
            before[:, -8:-4].sum(axis=1),
            before[:, :-8].sum(axis=1),
            (before != 0).sum(axis=1),
        ]
    )
