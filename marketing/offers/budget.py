"""State which budgets make a difference: from nothing to an offer of the dearest coupon to every customer."""

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from marketing.errors import ScoresError
from marketing.offers.ranking import COUPONS, PAIRS
from marketing.offers.worth import Worth, coupon_worth

ASSUMED = 1.0
"""The face value by which a budget is estimated if no coupon's worth is known."""


def largest_budget(folder: Path, per_customer: int) -> float:
    """Return a budget that no allocation exceeds: the dearest coupon for every possible offer.

    Args:
        folder: the published scores.
        per_customer: offers per customer at most.

    Raises:
        ScoresError: no offers are published.
    """
    if not (folder / PAIRS).exists() or not (folder / COUPONS).exists():
        raise ScoresError("No offers are published: no campaign with coupons runs on the day of the scores.")
    customers = pc.count_distinct(pq.read_table(folder / PAIRS, columns=["customer_id"])["customer_id"]).as_py()
    dearest = pc.max(coupon_worth(folder / COUPONS, Worth())["face_value"]).as_py()
    return float(customers * per_customer * (ASSUMED if dearest is None else dearest))
