"""Why an item is on a slate, in words for the customer."""

import numpy as np

from scoring.sources import Block

REASONS = {
    "two_tower": "Fits what you have been buying lately",
    "item_to_item": "Often bought by customers who buy what you buy",
    "neighbours": "Customers with a similar taste bought this lately",
    "factors": "Customers with a similar taste buy this",
    "substitutes": "Another {type} from a maker whose products you buy",
    "type_affinity": "Well liked in {type}, which you buy",
    "popular": "Popular with many customers now",
    "trend": "Many customers are trying this now",
    "coming_mailer": "In the coming mailer, in {type}, which you buy",
}
"""A sentence for each source that brings new products; `repeats` speaks of the customer's own purchases."""


def reason(block: Block | None, position: int, source: str) -> str:
    """One sentence for the product at catalogue index `position`, for the one customer of the block."""
    if block is None or source in ("popular", "trend"):
        return REASONS[source]
    if source != "repeats":
        type_name = block.catalogue.type_names[position].lower()
        return REASONS[source].format(type=type_name or "this kind of product")
    mine = int(np.flatnonzero(block.positions[0] == position)[0])
    times = int(block.own(0, "baskets")[mine])
    gap = float(block.own(0, "gap_mean_days")[mine])
    if times >= 3 and gap >= 2:
        return f"You buy this about every {gap:.0f} days"
    return "You bought this before" if times == 1 else f"You bought this {times} times"
