"""What the lists are made of, for people to look at: some customers with theirs, and what each source brings."""

from typing import Any

import numpy as np

from ml.evaluation.judge import Slates, Truth
from scoring.catalogue import Catalogue

SHOWN = 10


def examples(truth: Truth, slates: Slates, catalogue: Catalogue) -> list[dict[str, Any]]:
    """Ten customers spread over the judged ones: both slates' first ten, each with whether it was bought."""
    rows = np.unique(np.linspace(0, len(truth.customer_ids) - 1, SHOWN).astype(int))
    return [
        {
            "customer_id": truth.customer_ids[row],
            "bought": len(truth.bought[row]) + int(truth.missing[row]),
            "new": len(truth.relevant("explore")[row]),
            "slates": {
                slate: [
                    {"name": catalogue.names[position], "hit": bool(np.isin(position, truth.bought[row]))}
                    for position in lists.positions[row, :10]
                    if position >= 0
                ]
                for slate, lists in slates.items()
            },
        }
        for row in rows
    ]


def source_shares(truth: Truth, slates: Slates, names: list[str]) -> dict[str, list[float | None]]:
    """For every source its share of the first ten, and how often what it brought there was bought.

    By source name: share in `all`, share in `explore`, bought in `all`, bought in `explore`; None where it shows
    nothing.
    """
    table: dict[str, list[float | None]] = {name: [] for name in names}
    rates: dict[str, list[float | None]] = {name: [] for name in names}
    for slate in ("all", "explore"):
        sources, positions = slates[slate].sources[:, :10], slates[slate].positions[:, :10]
        relevant = truth.relevant(slate)
        hits = np.stack([np.isin(row, items) for row, items in zip(positions, relevant, strict=True)])
        for number, name in enumerate(names):
            mine = sources == number
            table[name].append(float(mine.sum() / max((positions >= 0).sum(), 1)))
            rates[name].append(float(hits[mine].mean()) if mine.any() else None)
    return {name: table[name] + rates[name] for name in names}
