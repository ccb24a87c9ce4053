"""Looks at a running experiment that were announced: bounds which keep the chance of a false alarm at alpha.

Each look spends a part of alpha (Lan & DeMets 1983) by a function close to O'Brien & Fleming's bounds: almost nothing
early, almost all at the last look. The bounds follow from numerical integration of the statistic's density from look to
look (Armitage, McPherson & Rowe 1969; Jennison & Turnbull 2000, chapters 7 and 19).

Alpha is spent by the share of the planned duration. The statistics of two looks are dependent, and a plan assumes the
correlation of a sum of independent parts: the root of the ratio of durations. Spend is more dependent. "Bought at
all" is less dependent, because it saturates, and the planned bounds would be too narrow for it. So a measurement
passes the correlations of its own data (`experiments.effect.look_correlations`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from experiments.errors import ExperimentError

ALPHA = 0.05

MAX_BOUND = 8.0
"""A bound in standard errors that is never crossed by chance (probability 1e-15)."""

_RATIOS = (0.01, 0.999)
"""Range of the ratio of two looks' information; outside it, the nearer end gives bounds that are not narrower."""

_NODES_PER_SD = 4
_PANEL_NODES = 64
_REACH = 9.0
"""Standard deviations of a step beyond which a score is not reached (probability 1e-19)."""


@dataclass(frozen=True)
class Looks:
    """Announced looks of an experiment.

    Attributes:
        fractions: Duration of each look as a share of the last look's, ascending; the last is 1.
        information: Information of each look as a share of the last look's: the correlation of two looks is the root
            of its ratio.
        bounds: How many standard errors an effect must be away from zero at each look.
        alpha: Chance of crossing any bound without an effect, both sides together.
    """

    fractions: tuple[float, ...]
    information: tuple[float, ...]
    bounds: tuple[float, ...]
    alpha: float


@lru_cache(maxsize=256)
def announced_looks(
    fractions: tuple[float, ...] = (1.0,), alpha: float = ALPHA, correlations: tuple[float, ...] = ()
) -> Looks:
    """Return the looks with their bounds.

    A bound depends on the looks up to its own, so later correlations do not change it.

    Args:
        fractions: Duration of each look as a share of the last look's, for instance weeks passed / planned weeks.
        alpha: Chance of a false alarm over all looks, both sides together.
        correlations: Measured correlation of each look's statistic with the next look's, the first look's first. Where
            one is missing or NaN, the planned correlation holds.

    Raises:
        ExperimentError: The fractions do not ascend from above 0 to 1, or alpha is not between 0 and 1.
    """
    _check(fractions, alpha)
    information = _information(fractions, correlations)
    spent = alpha_spent(np.array(fractions), alpha) / 2
    bounds: list[float] = []
    density = _start()
    before = 0.0
    for time, total in zip(information, spent, strict=True):
        step = time - density.time
        bound = _bound(density, step, total - before)
        bounds.append(bound)
        # A bound at its maximum leaves its share of alpha to the next look.
        before += density.above(bound * np.sqrt(time), step)
        density = density.move(bound * np.sqrt(time), step)
    return Looks(tuple(fractions), information, tuple(bounds), alpha)


def weekly_looks(weeks: int, alpha: float = ALPHA) -> Looks:
    """Return looks after each of `weeks` weeks, of equal information.

    Raises:
        ExperimentError: There is not at least one week.
    """
    if weeks < 1:
        raise ExperimentError(f"An experiment of {weeks} weeks has no look; plan at least one week.")
    return announced_looks(tuple((week + 1) / weeks for week in range(weeks)), alpha)


def alpha_spent(fractions: np.ndarray, alpha: float = ALPHA) -> np.ndarray:
    """Return the part of alpha that may be spent up to each information fraction; O'Brien-Fleming-like, per side."""
    quantile = ndtri(1 - alpha / 4)
    return np.asarray(4 * ndtr(-quantile / np.sqrt(fractions)))


def crossing_probability(looks: Looks, drift: float) -> np.ndarray:
    """Return the chance that each look is the first to cross its upper bound, and its lower one, `[looks, 2]`.

    Args:
        looks: The looks.
        drift: The true effect in standard errors of the last look.
    """
    density = _start()
    found = np.zeros((len(looks.fractions), 2))
    for index, (time, bound) in enumerate(zip(looks.information, looks.bounds, strict=True)):
        step, edge = time - density.time, bound * np.sqrt(time)
        found[index] = density.above(edge, step, drift), density.below(-edge, step, drift)
        density = density.move(edge, step, drift)
    return found


@dataclass(frozen=True)
class _Density:
    """Density of the score at `time` on the nodes of a quadrature, where no bound was crossed."""

    time: float
    nodes: np.ndarray
    mass: np.ndarray

    def above(self, edge: float, step: float, drift: float = 0.0) -> float:
        """Return the probability of a score above `edge` after `step` more information."""
        return float(self.mass @ ndtr((self.nodes + drift * step - edge) / np.sqrt(step)))

    def below(self, edge: float, step: float, drift: float = 0.0) -> float:
        """Return the probability of a score below `edge` after `step` more information."""
        return float(self.mass @ ndtr((edge - self.nodes - drift * step) / np.sqrt(step)))

    def move(self, edge: float, step: float, drift: float = 0.0) -> "_Density":
        """Return the density after `step` more information, between -edge and edge."""
        deviation = np.sqrt(step)
        nodes, weights = _quadrature(edge, deviation)
        # Each panel of nodes is reached from near nodes only, and there are thousands where two looks are much alike.
        panels = (nodes - drift * step).reshape(-1, _PANEL_NODES)
        first = np.searchsorted(self.nodes, panels[:, 0] - _REACH * deviation)
        end = np.searchsorted(self.nodes, panels[:, -1] + _REACH * deviation, side="right")
        density = np.concatenate(
            [
                np.exp(-0.5 * ((panel[:, None] - self.nodes[start:stop]) / deviation) ** 2) @ self.mass[start:stop]
                for panel, start, stop in zip(panels, first, end, strict=True)
            ]
        )
        return _Density(self.time + step, nodes, density * weights / (deviation * np.sqrt(2 * np.pi)))


def _start() -> _Density:
    return _Density(0.0, np.zeros(1), np.ones(1))


def _quadrature(edge: float, deviation: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Gauss-Legendre nodes and weights on [-edge, edge], dense enough for a normal of this deviation.

    Many nodes are spread over panels of equal width, because one rule of thousands of nodes takes seconds to make.
    """
    panels = max(1, int(np.ceil(_NODES_PER_SD * 2 * edge / deviation / _PANEL_NODES)))
    nodes, weights = _legendre()
    centres = (2 * np.arange(panels) + 1) / panels - 1
    return (centres[:, None] + nodes / panels).ravel() * edge, np.tile(weights / panels, panels) * edge


@lru_cache(maxsize=1)
def _legendre() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(_PANEL_NODES)


def _bound(density: _Density, step: float, probability: float) -> float:
    # Imported here, because it takes half a second to load, and most commands about campaigns compute no bound.
    from scipy.optimize import brentq

    root = float(np.sqrt(density.time + step))

    def excess(bound: float) -> float:
        return density.above(bound * root, step) - probability

    if excess(MAX_BOUND) >= 0:
        return MAX_BOUND
    return float(brentq(excess, 0.0, MAX_BOUND, xtol=1e-10))


def _information(fractions: tuple[float, ...], correlations: tuple[float, ...]) -> tuple[float, ...]:
    """Return the information of each look; the ratio of two neighbours is their squared correlation."""
    times = [1.0]
    for index in range(len(fractions) - 2, -1, -1):
        ratio = fractions[index] / fractions[index + 1]
        if index < len(correlations) and np.isfinite(correlations[index]):
            ratio = float(np.clip(correlations[index] ** 2, *_RATIOS))
        times.append(times[-1] * ratio)
    return tuple(reversed(times))


def _check(fractions: Sequence[float], alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ExperimentError(f"alpha is {alpha}; write a probability such as 0.05.")
    steps = np.diff([0.0, *fractions])
    if not fractions or (steps <= 0).any() or abs(fractions[-1] - 1) > 1e-9:
        raise ExperimentError(
            f"The looks {list(fractions)} must ascend from above 0 to 1, as shares of the planned duration."
        )
