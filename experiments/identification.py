"""Whether an experiment identifies an effect: a hold-out, planned shares, arms alike before, enough customers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from experiments._basis import centred_basis
from experiments.errors import ExperimentError

MIN_P_VALUE = 0.001
"""A check fails below it, so an intact experiment is blocked once in a thousand."""

MIN_ARM_CUSTOMERS = 100
"""Customers that each arm needs: with fewer, skewed spend makes intervals unreliable."""


@dataclass(frozen=True)
class Check:
    """One condition of identification.

    Attributes:
        name: `hold-out`, `customers`, `sample ratio` or `arms alike before`.
        passed: Whether it holds.
        p_value: Chance of a difference at least as large in an intact experiment; None where nothing is tested.
        sentence: The finding.
    """

    name: str
    passed: bool
    p_value: float | None
    sentence: str


@dataclass(frozen=True)
class Identification:
    """All checks of one experiment."""

    checks: tuple[Check, ...]

    @property
    def identified(self) -> bool:
        """Return whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return the sentences of the failed checks."""
        return tuple(check.sentence for check in self.checks if not check.passed)


def identify(
    counts: Mapping[str, int], shares: Mapping[str, float], holdout: str | None, before: np.ndarray, arm: np.ndarray
) -> Identification:
    """Check that the arms of an experiment can be compared.

    Args:
        counts: Customers that were assigned to each variant.
        shares: Planned share of each variant; together 1.
        holdout: The variant without treatment; None if there is none.
        before: Float `[customers, covariates]`, behaviour before the assignment.
        arm: Text `[customers]`, the variant of each customer.
    """
    if holdout is None or counts.get(holdout, 0) == 0:
        sentence = "no hold-out was drawn, so there is nothing to compare with"
        return Identification((Check("hold-out", False, None, sentence),))
    checks = [
        Check("hold-out", True, None, f"{counts[holdout]:,} customers are in '{holdout}', to compare with"),
        enough(counts),
    ]
    checks.append(sample_ratio(counts, shares))
    if checks[1].passed:
        checks.append(arms_alike(before, arm))
    return Identification(tuple(checks))


def enough(counts: Mapping[str, int]) -> Check:
    """Check that every arm has enough customers."""
    name = min(counts, key=lambda variant: counts[variant])
    passed = counts[name] >= MIN_ARM_CUSTOMERS
    words = "the smallest arm" if passed else "too few customers: the arm"
    sentence = f"{words} '{name}' has {counts[name]:,} (at least {MIN_ARM_CUSTOMERS} are needed)"
    return Check("customers", passed, None, sentence)


def sample_ratio(counts: Mapping[str, int], shares: Mapping[str, float]) -> Check:
    """Test whether customers are in the arms in the planned shares (chi-square).

    Raises:
        ExperimentError: A variant has no planned share, or the shares do not add up to 1.
    """
    unknown = sorted(set(counts) - set(shares))
    if unknown or abs(sum(shares.values()) - 1) > 1e-6:
        raise ExperimentError(
            f"The planned shares are {dict(shares)} and the counted variants {sorted(counts)}. Every variant needs a "
            "share, and the shares must add up to 1."
        )
    total = sum(counts.values())
    impossible = [name for name, count in counts.items() if count and shares[name] == 0]
    planned = {name: share for name, share in shares.items() if share > 0}
    if impossible:
        p_value = 0.0
    elif len(planned) < 2 or total == 0:
        p_value = 1.0
    else:
        expected = [share * total for share in planned.values()]
        statistic = sum(
            (counts.get(name, 0) - count) ** 2 / count for name, count in zip(planned, expected, strict=True)
        )
        p_value = float(chdtrc(len(planned) - 1, statistic))
    passed = p_value >= MIN_P_VALUE
    observed = ", ".join(f"{name} {counts.get(name, 0):,}" for name in shares)
    asked = ", ".join(f"{share:.3g}" for share in shares.values())
    words = "the arms have the planned sizes" if passed else "the sample ratio fails: the assignment is broken"
    return Check("sample ratio", passed, p_value, f"{words} ({observed}; planned {asked}; {_p(p_value)})")


def arms_alike(before: np.ndarray, arm: np.ndarray) -> Check:
    """Test jointly whether the arms' means differ in behaviour before the assignment (Wald, chi-square).

    Args:
        before: Float `[customers, covariates]`.
        arm: Text `[customers]`.
    """
    _, names = np.unique(arm, return_inverse=True)
    groups = int(names.max()) + 1 if len(names) else 0
    basis = centred_basis(before)
    statistic = 0.0
    for group in range(groups):
        members = names == group
        statistic += members.sum() * float((basis[members].mean(axis=0) ** 2).sum())
    degrees = basis.shape[1] * (groups - 1)
    p_value = float(chdtrc(degrees, statistic)) if degrees else 1.0
    passed = p_value >= MIN_P_VALUE
    words = "the arms were alike before" if passed else "the arms differ before the start"
    return Check("arms alike before", passed, p_value, f"{words} ({_p(p_value)})")


def _p(p_value: float) -> str:
    return f"p = {p_value:.2g}" if p_value >= 1e-4 else "p < .0001"
