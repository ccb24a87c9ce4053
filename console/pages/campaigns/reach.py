"""Lay the service's curve of reach out for a picture."""

from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 190, 64, 24
"""Size of the picture, and of the room for its numbers, in pixels."""


def reach_picture(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what the part of the page shows.

    Args:
        answer: of `POST /audience`.

    Returns:
        `answer`; `rows` of the curve with precision, and lift against a random choice of as many customers; `line` and
        `band`, the points of the expected buyers and of their interval.
    """
    curve = answer["curve"]
    whole = curve[-1] if curve and curve[-1]["share"] == 1.0 else None
    base = whole["expected_buyers"] / whole["customers"] if whole and whole["customers"] else 0.0
    rows = [
        {
            **row,
            "precision": row["expected_buyers"] / row["customers"] if row["customers"] else None,
            "lift": row["expected_buyers"] / row["customers"] / base if row["customers"] and base else None,
        }
        for row in curve
    ]
    past = sum(customer["bought_before"] for customer in answer["customers"])
    split = {"past": past, "new": len(answer["customers"]) - past}
    return {"answer": answer, "rows": rows, "split": split, **_points(curve)}


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
