"""The difference of two arms by intention to treat, plain or adjusted for behaviour before the experiment.

The adjusted difference is a regression on the arm, the centred covariates and their products (Lin 2013). That is CUPED
(Deng et al. 2013) with several covariates and a slope per arm. In large samples it is at least as precise as the plain
difference, and it needs no model of the outcome. Standard errors are HC2 (MacKinnon & White 1985); without covariates
they equal Welch's.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

from experiments._basis import centred_basis
from experiments.errors import ExperimentError

MIN_CUSTOMERS_PER_COVARIATE = 10
"""An arm with fewer customers per covariate is compared without adjustment, because a regression would overfit it."""

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


def effect(outcome: np.ndarray, is_treated: np.ndarray, covariates: np.ndarray | None = None) -> Effect:
    """Return the effect on one metric: see `effects`."""
    return effects(outcome[:, None], is_treated, covariates)[0]


def effects(outcomes: np.ndarray, is_treated: np.ndarray, covariates: np.ndarray | None = None) -> list[Effect]:
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
    means, variances, degrees = zip(*(_arm(outcomes[a], adjusters[a]) for a in (is_treated, ~is_treated)), strict=True)
    found = []
    for metric in range(outcomes.shape[1]):
        parts = [float(variances[arm][metric]) for arm in (0, 1)]
        found.append(
            Effect(
                difference=float(means[0][metric] - means[1][metric]),
                standard_error=float(np.sqrt(sum(parts))),
                degrees=_welch(parts, degrees),
                control_mean=float(means[1][metric]),
                treated=counts[0],
                control=counts[1],
                covariates=adjusters.shape[1],
            )
        )
    return found


def _adjusters(covariates: np.ndarray | None, customers: int, smaller_arm: int) -> np.ndarray:
    """Return the columns to adjust for, `[customers, rank]`; none with too few customers in the smaller arm."""
    basis = np.empty((customers, 0)) if covariates is None else centred_basis(covariates)
    return basis if smaller_arm >= MIN_CUSTOMERS_PER_COVARIATE * basis.shape[1] else basis[:, :0]


def _arm(outcomes: np.ndarray, adjusters: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return an arm's means at the adjusters' centre, their HC2 variances, and the degrees of freedom."""
    design = np.column_stack([np.ones(len(outcomes)), adjusters])
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ outcomes
    residuals = outcomes - design @ coefficients
    leverage = np.minimum(np.einsum("ij,ji->i", design, inverse), _MAX_LEVERAGE)
    variances = (inverse[0] ** 2 / (1 - leverage)) @ residuals**2
    return coefficients[0], variances, max(len(outcomes) - design.shape[1], 1)


def _welch(variances: list[float], degrees: tuple[int, ...]) -> float:
    total = sum(variances)
    if total == 0:
        return float(sum(degrees))
    return float(total**2 / sum(part**2 / of for part, of in zip(variances, degrees, strict=True)))
