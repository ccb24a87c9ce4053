"""Describe sample customers for readers: their history, their lists, and their purchases afterwards."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.evaluation.ground_truth import GroundTruth, Slates
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer

CUSTOMERS = 10
MAX_RECENT = 10
MAX_PURCHASES = 30


def sample_customers(
    truth: GroundTruth, slates: Slates, customers: Sequence[Customer], catalogue: Catalogue, sources: Sequence[str]
) -> list[dict[str, Any]]:
    """Describe ten customers, evenly spread over the evaluated ones.

    Each has the products bought most recently before the snapshot (with days ago and in how many baskets), both
    slates' first ten (with the source, and whether it was bought), and what was bought, new products marked.
    """
    rows = np.unique(np.linspace(0, len(truth.customer_ids) - 1, CUSTOMERS).astype(int))
    return [
        {
            "customer_id": truth.customer_ids[row],
            "baskets": int(customers[row].profile["baskets"]),
            "known_products": len(customers[row].product_ids),
            "recent": _recent(customers[row], catalogue),
            "bought": len(truth.bought[row]) + int(truth.missing[row]),
            "new": len(truth.relevant("explore")[row]),
            "slates": {
                slate: [
                    {
                        "product_id": catalogue.product_ids[position],
                        "name": _name(catalogue, int(position)),
                        "hit": bool(np.isin(position, truth.bought[row])),
                        "source": sources[lists.sources[row, rank]],
                    }
                    for rank, position in enumerate(lists.positions[row, :10])
                    if position >= 0
                ]
                for slate, lists in slates.items()
            },
            "purchases": _purchases(truth, slates, row, catalogue),
        }
        for row in rows
    ]


def _name(catalogue: Catalogue, position: int) -> str:
    """Return the product's name, or the word product without one, because the page shows the id next to it."""
    return catalogue.names[position] or "product"


def _recent(customer: Customer, catalogue: Catalogue) -> list[dict[str, Any]]:
    ages, baskets = customer.history["days_since_last"], customer.history["baskets"]
    newest = [i for i in np.lexsort((-baskets, ages)) if customer.product_ids[i] in catalogue.index][:MAX_RECENT]
    return [
        {
            "product_id": str(customer.product_ids[i]),
            "name": _name(catalogue, catalogue.index[customer.product_ids[i]]),
            "days_ago": round(float(ages[i])),
            "baskets": int(baskets[i]),
        }
        for i in newest
    ]


def _purchases(truth: GroundTruth, slates: Slates, row: int, catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return at most MAX_PURCHASES purchases; products that either list showed come first."""
    shown = np.concatenate([lists.positions[row, :10] for lists in slates.values()])
    bought = truth.bought[row]
    hit, known = np.isin(bought, shown), np.isin(bought, truth.history[row])
    order = np.lexsort((bought, ~known, ~hit))[:MAX_PURCHASES]
    return [
        {
            "product_id": catalogue.product_ids[bought[i]],
            "name": _name(catalogue, int(bought[i])),
            "hit": bool(hit[i]),
            "new": not bool(known[i]),
        }
        for i in order
    ]
