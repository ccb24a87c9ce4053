"""Read a campaign's measured result, and lay its intervals out for a picture."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from settings import Settings

WIDTH, LEFT, ROW = 640, 110, 34
"""Width of the picture, of its labels, and the height of a row, in pixels."""

MAX_TICKS = 6
STEPS = tuple(digit * 10.0**power for power in range(-3, 3) for digit in (1, 2, 5))
"""Possible distances of two ticks, as shares of the hold-out's mean."""


@dataclass(frozen=True)
class Interval:
    """One metric's interval in the picture.

    Attributes:
        metric: its name.
        low, middle, high: shares of the hold-out's mean.
        x_low, x_middle, x_high: positions of the same.
        y: the position of the row.
    """

    metric: str
    low: float
    middle: float
    high: float
    x_low: float
    x_middle: float
    x_high: float
    y: int


@dataclass(frozen=True)
class Picture:
    """The intervals of all metrics with numbers.

    Attributes:
        intervals: the primary metric first.
        ticks: positions and labels of the scale; the one at zero is not among them.
        zero: the position of no effect.
        height: of the picture.
    """

    intervals: tuple[Interval, ...]
    ticks: tuple[tuple[float, str], ...]
    zero: float
    height: int


def result_of(settings: Settings, campaign_id: str) -> dict[str, Any] | None:
    """Return the campaign's newest result as `python -m marketing measure` wrote it; None if it was never measured."""
    try:
        found: dict[str, Any] = json.loads((settings.paths.campaign_results / f"{campaign_id}.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def picture_of(result: Mapping[str, Any]) -> Picture | None:
    """Return the intervals; None if the result has no number, so that none is drawn either."""
    rows = [
        (metric, *(found[end] / found["control_mean"] for end in ("low", "difference", "high")))
        for metric, found in result["metrics"].items()
        if found.get("difference") is not None and found.get("control_mean")
    ]
    if not rows:
        return None
    first, last = min(0.0, *(low for _, low, _, _ in rows)), max(0.0, *(high for *_, high in rows))
    width = (last - first) or 1.0

    def x_of(value: float) -> float:
        found: float = round(LEFT + 10 + (value - first) / width * (WIDTH - LEFT - 20), 1)
        return found

    intervals = tuple(
        Interval(metric, low, middle, high, x_of(low), x_of(middle), x_of(high), ROW * index + ROW // 2)
        for index, (metric, low, middle, high) in enumerate(rows)
    )
    ticks = tuple((x_of(percent / 100), f"{percent:+.3g}%") for percent in _percents(first, last) if percent)
    return Picture(intervals, ticks, x_of(0.0), ROW * len(rows) + 22)


def _percents(first: float, last: float) -> list[float]:
    """Return at most `MAX_TICKS` round percentages between two shares, and zero."""
    step = next((step for step in STEPS if (last - first) / step <= MAX_TICKS), None)
    if step is None:
        return []
    return [100 * step * number for number in range(ceil(first / step), floor(last / step) + 1)]
