"""Answers of a stubbed recommendation service about one customer."""

from typing import Any

import httpx

PROFILE = {
    "as_of": "2018-01-01",
    "model_version": "m1",
    "predictions": {
        **dict.fromkeys(("lapse_4w", "lapse_8w", "order_7d", "order_14d"), 0.31),
        **dict.fromkeys(("spend_8w", "spend_8w_low", "spend_8w_high"), 120.5),
        "categories_due": [{"category": "MILK", "probability": 0.9}],
    },
    "tags": [
        {
            "tag": "main_store", "value": "<367>", "confidence": 0.9, "evidence_rows": 12,
            "evidence_from": "2017-10-03", "evidence_until": "2018-01-01",
            "held_out_measure": "split-half reliability", "held_out_value": 0.93,
            "learned_on": "its own baskets", "sensitive": True,
        }
    ],
    "segments": [{"axis": "value", "segment": "high", "label": "High", "since": "2017-11-06"}],
    "evaluations": {},
}  # fmt: skip
HISTORY = {
    "missing": None, "features_as_of": None, "products": 1, "baskets": 2, "days_since_last_basket": 3.0,
    "items": [{"product_id": "p1", "name": "Pale Ale", "baskets": 2, "gap_mean_days": 4.0, "days_since_last": 3.0}],
}  # fmt: skip


def recommended(request: httpx.Request) -> dict[str, Any]:
    """A list of one product, whose name contains the slate that was asked for."""
    slate = "explore" if b'"explore"' in request.content else "all"
    name = f"Milk of {slate}"
    item = {"product_id": "p2", "name": name, "category": "MILK", "reason": "You buy it.", "source": "ease"}
    return {"fallback": None, "items": [item]}


ANSWERS = {
    "/ui/customers": {"customer_ids": ["7", "12"]},
    "/profile": PROFILE,
    "/history": HISTORY,
    "/recommend": recommended,
}
