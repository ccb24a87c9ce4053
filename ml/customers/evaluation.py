"""How good churn probabilities are, and whether one set is better than another for the same customers."""

from dataclasses import dataclass

import numpy as np

from experiments.bootstrap import RESAMPLES, Estimate, paired_difference
from ml.evaluation.calibration import bins, expected_error

CALIBRATION_BINS = 10
MIN_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Scores:
    """Means over the customers of the evaluation window.

    Attributes:
        auc: probability that a customer who churned has a higher prediction than one who did not.
        log_loss: mean negative log likelihood of the outcomes.
        calibration_error: mean distance between predicted and observed share, over bins of equal size.
        predicted: mean prediction, to compare with the share that churned.
    """

    auc: float
    log_loss: float
    calibration_error: float
    predicted: float


def score(predicted: np.ndarray, churned: np.ndarray) -> Scores:
    """Score probabilities, float `[n]`, against outcomes, bool `[n]`."""
    error = expected_error(bins(predicted, churned, CALIBRATION_BINS))
    return Scores(auc(predicted, churned), float(log_losses(predicted, churned).mean()), error, float(predicted.mean()))


def log_losses(predicted: np.ndarray, churned: np.ndarray) -> np.ndarray:
    """Return the negative log likelihood of each customer's outcome, float `[n]`."""
    clipped = np.clip(predicted, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.asarray(-np.where(churned, np.log(clipped), np.log1p(-clipped)))


def auc(predicted: np.ndarray, churned: np.ndarray) -> float:
    """Return the area under the ROC curve; ties count half. NaN without customers of both outcomes."""
    wins = _wins(predicted, churned)
    return float(wins.mean()) if wins.size else float("nan")


def log_loss_lead(challenger: np.ndarray, other: np.ndarray, churned: np.ndarray, seed: int) -> Estimate:
    """Estimate how much lower the challenger's log loss is, paired over customers."""
    return paired_difference(-log_losses(challenger, churned), -log_losses(other, churned), seed)


def auc_lead(challenger: np.ndarray, other: np.ndarray, churned: np.ndarray, seed: int) -> Estimate:
    """Estimate how much higher the challenger's AUC is: a paired percentile bootstrap over customers."""
    wins = _wins(challenger, churned) - _wins(other, churned)
    customers = len(churned)
    rng = np.random.default_rng(seed)
    times = np.stack(
        [np.bincount(rng.integers(0, customers, customers), minlength=customers) for _ in range(RESAMPLES)]
    )
    of_churned, of_others = times[:, churned].astype(float), times[:, ~churned].astype(float)
    pairs = np.maximum(of_churned.sum(axis=1) * of_others.sum(axis=1), 1.0)
    leads = np.einsum("rj,rj->r", of_churned @ wins, of_others) / pairs
    low, high = np.quantile(leads, [0.025, 0.975])
    p_value = (1 + int((leads <= 0).sum())) / (RESAMPLES + 1)
    return Estimate(float(wins.mean()), float(low), float(high), customers, p_value)


def _wins(predicted: np.ndarray, churned: np.ndarray) -> np.ndarray:
    """Return for each pair whether the churned customer has the higher prediction, float `[churned, others]`."""
    difference = predicted[churned][:, None] - predicted[~churned][None, :]
    return np.asarray((np.sign(difference) + 1) / 2)
