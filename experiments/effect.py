"""The difference of two arms by intention to treat, plain or adjusted for behaviour before the experiment.

The adjusted difference is a regression on the arm, the centred covariates and their products (Lin 2013). That is CUPED
(Deng et al. 2013) with several covariates and a slope per arm. In large samples it is at least as precise as the plain
difference, and it needs no model of the outcome. Standard errors are HC2 (MacKinnon & White 1985); without covariates
they equal Welch's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

from experiments._basis import centred_basis
from experiments.errors import ExperimentError

MIN_CUSTOMERS_PER_COVARIATE = 10
"""An arm with fewer customers per covariate is compared without adjustment, because a regression would overfit it."""

_RANK_TOLERANCE = 1e-10
_MAX_LEVERAGE = 1 - 1e-9


@dataclass(frozen=True)
class Effect:
    """The effect of treatment on one metric.

    Attributes:
        difference: Treated minus control, per customer, in the metric's unit.
        standard_error: Standard error of the difference (HC2).
        degrees: Degrees of freedom of the standard error (Welch & Satterthwaite).
        control_mean: Mean of the metric without treatment, adjusted as the difference is.
        treated: Customers in the treated arm.
        control: Customers in the hold-out.
        covariates: Number of covariates that the difference is adjusted for.
    """

    difference: float
    standard_error: float
    degrees: float
    control_mean: float
    treated: int
    control: int
    covariates: int

    def interval(self, bound: float) -> tuple[float, float]:
        """Return the interval of the difference.

        Args:
            bound: Half width in standard errors of a normal statistic, such as 1.96 or the bound of a look. It is
                replaced by the quantile of Student's t with the same tail.
        """
        half = self._quantile(bound) * self.standard_error
        return self.difference - half, self.difference + half

    @property
    def p_value(self) -> float:
        """Return the two-sided p-value of a single look."""
        if self.standard_error == 0:
            return 1.0 if self.difference == 0 else 0.0
        return float(2 * stdtr(self.degrees, -abs(self.difference) / self.standard_error))

    @property
    def relative(self) -> float:
        """Return the difference as a share of the mean without treatment; NaN where that mean is 0."""
        return self.difference / self.control_mean if self.control_mean else float("nan")

    def _quantile(self, bound: float) -> float:
        return float(-stdtrit(self.degrees, ndtr(-bound)))


@dataclass(frozen=True)
class Measured:
    """Effects on several metrics, and each customer's part in their errors.

    Attributes:
        effects: The effect on each metric.
        contributions: Float `[customers, metrics]`, each customer's contribution to the error of their arm's mean; the
            sum of its squares is the effect's variance.
    """

    effects: tuple[Effect, ...]
    contributions: np.ndarray


def effect(outcome: np.ndarray, is_treated: np.ndarray, covariates: np.ndarray | None = None) -> Effect:
    """Return the effect on one metric: see `measure_effects`."""
    return measure_effects(outcome[:, None], is_treated, covariates).effects[0]


def measure_effects(outcomes: np.ndarray, is_treated: np.ndarray, covariates: np.ndarray | None = None) -> Measured:
    """Return the effect on each metric, by intention to treat: everybody counts in the arm they were assigned to.

    Args:
        outcomes: Float `[customers, metrics]`.
        is_treated: Bool `[customers]`, the assigned arm, whether or not anything was received.
        covariates: Float `[customers, covariates]`, known before the assignment. Constant and collinear columns are
            dropped. Without it, or with too few customers for it, the difference is not adjusted.

    Raises:
        ExperimentError: An arm has fewer than two customers, or a value is not finite.
    """
    counts = int(is_treated.sum()), int((~is_treated).sum())
    if min(counts) < 2:
        raise ExperimentError(f"The arms have {counts[0]} and {counts[1]} customers; each needs at least two.")
    if not np.isfinite(outcomes).all() or (covariates is not None and not np.isfinite(covariates).all()):
        raise ExperimentError("An outcome or a covariate is not finite; write 0 for a customer without purchases.")
    adjusters = _adjusters(covariates, len(outcomes), min(counts))
    contributions = np.zeros(outcomes.shape)
    means, variances = [], []
    for arm in (is_treated, ~is_treated):
        mean, parts = _fit(outcomes[arm], adjusters[arm])
        contributions[arm] = parts
        means.append(mean)
        variances.append((parts**2).sum(axis=0))
    degrees = [max(count - 1 - adjusters.shape[1], 1) for count in counts]
    found = [
        Effect(
            difference=float(means[0][metric] - means[1][metric]),
            standard_error=float(np.sqrt(variances[0][metric] + variances[1][metric])),
            degrees=_welch([float(variance[metric]) for variance in variances], degrees),
            control_mean=float(means[1][metric]),
            treated=counts[0],
            control=counts[1],
            covariates=adjusters.shape[1],
        )
        for metric in range(outcomes.shape[1])
    ]
    return Measured(tuple(found), contributions)


def look_correlations(contributions: Sequence[np.ndarray]) -> tuple[float, ...]:
    """Return the correlation of each look's effect with the next look's; NaN where an effect has no variance.

    Args:
        contributions: Per look, `Measured.contributions` of every customer to one metric, float `[customers]`; 0 for a
            customer who was not there yet.
    """
    found = []
    for first, second in pairwise(contributions):
        variances = float(first @ first) * float(second @ second)
        found.append(float(first @ second) / float(np.sqrt(variances)) if variances else float("nan"))
    return tuple(found)


def _adjusters(covariates: np.ndarray | None, customers: int, smaller_arm: int) -> np.ndarray:
    """Return the columns to adjust for, `[customers, rank]`; none with too few customers in the smaller arm."""
    basis = np.empty((customers, 0)) if covariates is None else centred_basis(covariates)
    return basis if smaller_arm >= MIN_CUSTOMERS_PER_COVARIATE * basis.shape[1] else basis[:, :0]


def _fit(outcomes: np.ndarray, adjusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an arm's means at the adjusters' centre, and each customer's contribution to their errors (HC2)."""
    design = np.column_stack([np.ones(len(outcomes)), adjusters])
    inverse = np.linalg.pinv(design.T @ design, rcond=_RANK_TOLERANCE, hermitian=True) @ design.T
    coefficients = inverse @ outcomes
    residuals = outcomes - design @ coefficients
    leverage = np.minimum(np.einsum("ij,ji->i", design, inverse), _MAX_LEVERAGE)
    return coefficients[0], (inverse[0] / np.sqrt(1 - leverage))[:, None] * residuals


def _welch(variances: list[float], degrees: list[int]) -> float:
    total = sum(variances)
    if total == 0:
        return float(sum(degrees))
    return float(total**2 / sum(part**2 / of for part, of in zip(variances, degrees, strict=True)))
