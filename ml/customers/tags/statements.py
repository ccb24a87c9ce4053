"""Statements about a customer that are true or false, learned from those who gave the field.

The log odds are the mean of four ridge regressions: on category shares, on product-type shares, and on 16 and 32
principal components of the latter. All are linear in the shares, so the model is one coefficient per share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from ml.customers.evaluation import auc_lead, score
from ml.customers.part import Measure
from ml.customers.tags.declarations import ERROR_BAR
from ml.customers.tags.kinds import Statement
from ml.customers.tags.resampling import FOLDS, folds_of
from ml.customers.tags.shares import CATEGORY, PRODUCT_TYPE, Shares

LEAST_OF_EACH = 40
"""Customers of each answer below which a statement is not tried."""

REPEATS = 5
"""Divisions into folds. With one, the division alone moves an AUC over 800 customers by .01, as much as bars differ."""

COMPONENTS = {16: 0.1, 32: 0.03}
"""Principal components, and the inverse strength of the ridge penalty on them."""
CATEGORY_C, TYPE_C = 0.005, 0.002


@dataclass(frozen=True)
class View:
    """The sampled customers in one way that is linear in their shares.

    Attributes:
        values: float `[customers, inputs]`.
        columns: which columns of the shares it reads, bool `[columns]`.
        weights: from those columns to the inputs, float `[read columns, inputs]`; None if they are the inputs.
        strength: inverse strength of the ridge penalty.
    """

    values: np.ndarray
    columns: np.ndarray
    weights: np.ndarray | None
    strength: float

    def on_shares(self, coefficients: np.ndarray) -> np.ndarray:
        """Return coefficients of the inputs as coefficients of the shares, `[columns]`."""
        found = np.zeros(len(self.columns))
        found[self.columns] = coefficients if self.weights is None else self.weights @ coefficients
        return found


def views_of(shares: Shares, seed: int) -> list[View]:
    """Return the views; principal components are found without reading anybody's answers."""
    views = []
    for kind, strength in ((CATEGORY, CATEGORY_C), (PRODUCT_TYPE, TYPE_C)):
        if (shares.kinds == kind).any():
            views.append(View(shares.of(kind), shares.kinds == kind, None, strength))
    types = shares.of(PRODUCT_TYPE)
    for components, strength in COMPONENTS.items():
        if min(types.shape) > components:
            found = PCA(components, svd_solver="randomized", random_state=seed).fit(types)
            weights = (found.components_ / np.maximum(np.sqrt(found.explained_variance_), 1e-9)[:, None]).T
            views.append(View(types @ weights, shares.kinds == PRODUCT_TYPE, weights, strength))
    return views


@dataclass(frozen=True)
class Answers:
    """Customers who gave the field.

    Attributes:
        rows: their rows in the shares, `[n]`.
        true: bool `[n]`.
    """

    rows: np.ndarray
    true: np.ndarray

    @property
    def is_enough(self) -> bool:
        """Return whether both answers were given often enough."""
        return min(int(self.true.sum()), int((~self.true).sum())) >= LEAST_OF_EACH


@dataclass(frozen=True)
class FittedStatement:
    """One coefficient per standardised share, with what hidden customers showed.

    Attributes:
        coefficients: `[columns]`.
        intercept: the log odds of a customer with mean shares.
        hidden: the probability of each customer in `Answers`, learned on the others, `[n]`.
        auc: over them.
        error: expected calibration error over them.
    """

    coefficients: np.ndarray
    intercept: float
    hidden: np.ndarray
    auc: Measure
    error: Measure

    @property
    def is_met(self) -> bool:
        """Return whether both figures meet their bars."""
        return self.auc.is_met and self.error.is_met


def fit(views: Sequence[View], answers: Answers, statement: Statement, seed: int) -> FittedStatement:
    """Fit on everybody who gave the field, and measure on folds of customers hidden from the fit.

    Args:
        views: of all sampled customers, at least one.
        answers: at least `LEAST_OF_EACH` of each.
        statement: what is learned.
        seed: decides folds and resamples.
    """
    splits = [folds_of(len(answers.rows), seed + repeat) for repeat in range(REPEATS)]
    log_odds = np.zeros(len(answers.rows))
    coefficients, offset = np.zeros(len(views[0].columns)), 0.0
    for view in views:
        values = view.values[answers.rows]
        for fold in splits:
            for held_out in range(FOLDS):
                model = _ridge(values[fold != held_out], answers.true[fold != held_out], view.strength)
                found = model.decision_function(values[fold == held_out])
                log_odds[fold == held_out] += found / (len(views) * REPEATS)
        model = _ridge(values, answers.true, view.strength)
        coefficients += view.on_shares(model.coef_[0]) / len(views)
        offset += float(model.intercept_[0]) / len(views)
    hidden = calibrated_on_others(log_odds, answers.true, splits)
    slope, intercept = _calibration(log_odds, answers.true)
    lead = auc_lead(hidden, np.zeros(len(hidden)), answers.true, seed)
    return FittedStatement(
        slope * coefficients,
        slope * offset + intercept,
        hidden,
        Measure(0.5 + lead.mean, 0.5 + lead.low, 0.5 + lead.high, statement.bar),
        Measure(score(hidden, answers.true).calibration_error, bar=ERROR_BAR, at_most=True),
    )


def calibrated_on_others(log_odds: np.ndarray, true: np.ndarray, splits: Sequence[np.ndarray]) -> np.ndarray:
    """Return each customer's probability, calibrated on the customers outside its fold: the mean over the divisions.

    With one division the intercepts alone cost AUC: a fold with many true answers leaves few to the others, so its
    customers all get a lower probability.

    Args:
        log_odds: of customers hidden from the fit, `[n]`.
        true: their answers, bool `[n]`.
        splits: the fold of each customer, int `[n]`, for each division.
    """
    hidden = np.zeros(len(log_odds))
    for fold in splits:
        for held_out in range(FOLDS):
            slope, intercept = _calibration(log_odds[fold != held_out], true[fold != held_out])
            hidden[fold == held_out] += expit(slope * log_odds[fold == held_out] + intercept) / len(splits)
    return hidden


def class_accuracy(values: np.ndarray, given: np.ndarray, seed: int) -> tuple[float, float]:
    """Return how often the exact value of a field is right on hidden customers, and the share of the most frequent one.

    Args:
        values: float `[n, inputs]`.
        given: the field, text `[n]`.
        seed: decides the folds.
    """
    fold = folds_of(len(given), seed)
    right = 0
    for held_out in range(FOLDS):
        model = LogisticRegression(C=COMPONENTS[32], max_iter=500).fit(
            values[fold != held_out], given[fold != held_out]
        )
        right += int((model.predict(values[fold == held_out]) == given[fold == held_out]).sum())
    _, counts = np.unique(given, return_counts=True)
    return right / len(given), float(counts.max() / len(given))


def _ridge(values: np.ndarray, true: np.ndarray, strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=500).fit(values, true)


def _calibration(log_odds: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept that make log odds of hidden customers calibrated (Platt 1999)."""
    model = LogisticRegression(C=1000.0).fit(log_odds[:, None], true)
    return float(model.coef_[0][0]), float(model.intercept_[0])
