"""Why an item is on a slate, in words for the customer."""

import numpy as np

from scoring.sources import Block

REASONS = {
    "two_tower": "Fits what you have been buying lately",
    "item_to_item": "Often bought by customers who buy what you buy",
    "type_affinity": "Well liked in {type}, which you buy",
    "popular": "Popular with many customers now",
    "trend": "Many customers are trying this now",
    "coming_mailer": "In the coming mailer, in {type}, which you buy",
}
"""A sentence for each source that brings new products; `repeats` speaks of the customer's own purchases."""


def reason(block: Block, row: int, position: int, source: str) -> str:
    """One sentence for the product at catalogue index `position`."""
    if source != "repeats":
        return REASONS[source].format(type=block.catalogue.type_names[position].lower() or "what")
    mine = int(np.flatnonzero(block.positions[row] == position)[0])
    times = int(block.own(row, "baskets")[mine])
    gap = float(block.own(row, "gap_mean_days")[mine])
    if times >= 3 and gap >= 2:
        return f"You buy this about every {gap:.0f} days"
    return "You bought this before" if times == 1 else f"You bought this {times} times"
