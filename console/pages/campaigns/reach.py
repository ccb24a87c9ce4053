"""Forecast the buyers among the customers of a campaign, and lay the curve of reach out for a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from console.pages.published_audiences import opened_audiences
from marketing.audience.answer import Question, answer
from marketing.audience.curve import Reach, curve, reach
from marketing.segments import select
from settings import Settings

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 190, 64, 24
"""Size of the picture, and of the room for its numbers, in pixels."""


@dataclass(frozen=True)
class Forecast:
    """The customers of a campaign, before consents, caps and the hold-out.

    Attributes:
        name: of the item, in words.
        horizon_weeks: the probabilities are of buying within this many weeks.
        total: all chosen customers and their expected buyers.
        past: how many of them bought the item before.
        outside: customers of the audience outside the campaign's rule; None without a rule.
        curve: the expected buyers at several numbers of customers.
        left_out: the other customers who are left out, by reason.
        warnings: how far the probabilities can be trusted.
    """

    name: str
    horizon_weeks: int
    total: Reach
    past: int
    outside: int | None
    curve: Sequence[Reach]
    left_out: Sequence[tuple[int, str]]
    warnings: Sequence[str]


def forecast(settings: Settings, question: Question, rule: str) -> Forecast:
    """Return what the campaign reaches by the same two choices as its plan: the item's audience, then the rule.

    Args:
        settings: of the installation.
        question: for a category, products or a coupon.
        rule: the filter of the campaign's first step; empty for none.

    Raises:
        MarketingError: nothing is published, or the question or the rule cannot be used.
    """
    index, model = opened_audiences(settings)
    found = answer(settings, question, (index, model)).audience
    kept = np.ones(len(found.scores), bool)
    if rule:
        chosen = select(settings.paths.customers, rule).customer_ids
        kept = pc.is_in(found.customer_ids, chosen).to_numpy(zero_copy_only=False)
    scores, spread = found.scores[kept], model.spread[question.kind]
    return Forecast(
        found.name,
        model.horizon_weeks,
        reach(scores, len(scores), spread),
        int(found.is_past[kept].sum()),
        int((~kept).sum()) if rule else None,
        curve(scores, spread),
        [(part.customers, part.reason) for part in found.left_out],
        found.warnings,
    )


def reach_picture(found: Forecast) -> dict[str, Any]:
    """Return what the part of the page shows.

    Returns:
        `found`; `rows` of the curve with precision, and lift against a random choice of as many customers; `line` and
        `band`, the points of the expected buyers and of their interval.
    """
    total = found.total
    base = total.expected_buyers / total.customers if total.customers else 0.0
    rows = [
        {
            "customers": point.customers,
            "expected_buyers": point.expected_buyers,
            "low": point.low,
            "high": point.high,
            "precision": point.expected_buyers / point.customers,
            "lift": point.expected_buyers / point.customers / base if base else None,
        }
        for point in found.curve
    ]
    return {"found": found, "rows": rows, **_points(rows)}


def _points(curve: list[dict[str, Any]]) -> dict[str, Any]:
    if not curve or not curve[-1]["customers"]:
        return {"line": "", "band": "", "top": 0.0, "last": 0}
    last, top = curve[-1]["customers"], max(row["high"] for row in curve) or 1.0

    def point(customers: float, buyers: float) -> str:
        x = LEFT + customers / last * (WIDTH - LEFT - 10)
        return f"{x:.1f},{(HEIGHT - BOTTOM) * (1 - buyers / top) + 6:.1f}"

    start = [{"customers": 0, "expected_buyers": 0.0, "low": 0.0, "high": 0.0}]
    rows = [*start, *curve]
    band = [point(row["customers"], row["high"]) for row in rows]
    band += [point(row["customers"], row["low"]) for row in reversed(rows)]
    line = [point(row["customers"], row["expected_buyers"]) for row in rows]
    return {"line": " ".join(line), "band": " ".join(band), "top": top, "last": last}
