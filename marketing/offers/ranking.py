"""The ranked list: every offer that could be made, per customer the best first.

The list is the one source of offers. A customer's answer has that customer's rows, best first, as far as budget
and limit reach; the allocation for all customers chooses among the same rows. So batch and service agree on
probability, worth and order, and differ only where one budget is shared by all customers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marketing.errors import ScoresError
from marketing.offers.allocation import UNITS
from marketing.offers.errors import OffersError
from marketing.offers.worth import Worth, coupon_worth

PAIRS, COUPONS = "offer_pairs.parquet", "offer_coupons.parquet"
UNKNOWN_MONEY = (
    "No coupon has a known worth, so each customer's offers are listed in the order of interest: by own spend on the "
    "coupon's products, unless the model is shown to order better. The order need not be that of the probabilities. "
    "Neither the budget nor the limit on existing buyers applies. Bring the table coupon_values, or give "
    "a face value and a margin."
)


NONE_PAYS = "No offer is made: none is expected to earn more than it costs, or none fits into the budget."


@dataclass(frozen=True)
class RankedOffers:
    """Offers by customer, the best first.

    Attributes:
        rows: customer_id, campaign_id, coupon_id, probability, is_new, bought_anyway, face_value, margin and
            expected_margin; the last three are empty if no coupon's worth is known.
        knows_money: whether offers are ranked by expected incremental margin, instead of by attraction.
        without_worth: coupons that are left out because their worth is unknown while that of others is known.
    """

    rows: pa.Table
    knows_money: bool
    without_worth: int

    @property
    def notes(self) -> list[str]:
        """Return sentences about what was left out or does not apply."""
        left_out = f"{self.without_worth} coupons are left out because their worth is unknown."
        return ([left_out] if self.without_worth else []) + ([] if self.knows_money else [UNKNOWN_MONEY])


@dataclass(frozen=True)
class CustomerOffers:
    """One customer's offers.

    Attributes:
        rows: the offers, the best first, with the columns of `RankedOffers` but the customer.
        notes: sentences about what was left out or does not apply.
    """

    rows: list[dict[str, object]]
    notes: list[str]


def ranked_offers(folder: Path, worth: Worth, customer_id: str | None = None) -> RankedOffers:
    """Return the ranked list, or its rows for one customer.

    The expected incremental margin of an offer is the probability of its redemption times the margin, less what the
    customer would have bought anyway, less the face value.

    Args:
        folder: the published scores.
        worth: where money comes from besides the landing.
        customer_id: only this customer's rows.

    Raises:
        ScoresError: nothing is published.
        OffersError: no campaign runs, or the values cannot be used.
    """
    if not (folder / PAIRS).exists() or not (folder / COUPONS).exists():
        raise ScoresError(f"No offers are published in {folder}. Run '.venv/bin/python -m ml.customers score' first.")
    values = coupon_worth(folder / COUPONS, worth)
    if not values.num_rows:
        raise OffersError(
            "No campaign runs on the day of the published scores, so there is no coupon to offer. "
            "Score a day within a campaign."
        )
    known = pc.and_(pc.is_valid(values["face_value"]), pc.is_valid(values["margin"]))
    count = int(pc.sum(known).as_py())
    filters = None if customer_id is None else [("customer_id", "==", customer_id)]
    pairs = pq.read_table(folder / PAIRS, filters=filters)
    rows = pairs.join(values.filter(known) if count else values, ["campaign_id", "coupon_id"], join_type="inner")
    increment = pc.subtract(1.0, rows["bought_anyway"])
    expected = pc.multiply(rows["probability"], pc.subtract(pc.multiply(increment, rows["margin"]), rows["face_value"]))
    rows = rows.append_column("expected_margin", expected)
    best = "expected_margin" if count else "attraction"
    order = [
        ("customer_id", "ascending"),
        (best, "descending"),
        ("coupon_id", "ascending"),
        ("campaign_id", "ascending"),
    ]
    return RankedOffers(rows.sort_by(order), count > 0, values.num_rows - count if count else 0)


def offers_for(
    folder: Path, customer_id: str, budget: float, per_customer: int = 3, worth: Worth | None = None
) -> CustomerOffers:
    """Return one customer's offers: that customer's rows of the ranked list, as far as budget and limit reach.

    Where money is known, an offer that is expected to lose money is not made, and the face values of all offers do not
    exceed the budget. Otherwise the first offers are returned whatever the budget is, and `face_value` is None.

    Args:
        folder: the published scores.
        customer_id: the customer.
        budget: money that may be spent if every offered coupon is redeemed.
        per_customer: offers at most.
        worth: where money comes from besides the landing.

    Raises:
        ScoresError: nothing is published.
        OffersError: the customer is unknown, no campaign runs, or a number cannot be used.
    """
    check_numbers(budget, per_customer)
    ranked = ranked_offers(folder, worth or Worth(), customer_id)
    if not ranked.rows.num_rows:
        raise OffersError(
            f"There are no offers for the customer '{customer_id}': the customer is unknown, or bought nothing in "
            "26 weeks."
        )
    spare = int(np.floor(budget * UNITS + 1e-6))
    chosen: list[dict[str, object]] = []
    for row in ranked.rows.to_pylist():
        if len(chosen) == per_customer:
            break
        if ranked.knows_money:
            cost = round(row["face_value"] * UNITS)
            if row["expected_margin"] <= 0 or cost > spare:
                continue
            spare -= cost
        chosen.append({name: value for name, value in row.items() if name != "customer_id"})
    return CustomerOffers(chosen, ranked.notes + ([] if chosen else [NONE_PAYS]))


def check_numbers(budget: float, per_customer: int, max_existing_share: float = 1.0) -> None:
    """Check what a person asks for.

    Raises:
        OffersError: a number cannot be used; the message names it.
    """
    if not (np.isfinite(budget) and budget >= 0):
        raise OffersError(f"The budget {budget} is not an amount of money of 0 or more.")
    if per_customer < 1:
        raise OffersError(f"{per_customer} offers per customer are none. Give 1 or more.")
    if not 0 <= max_existing_share <= 1:
        raise OffersError(f"The share {max_existing_share:g} of existing buyers is not between 0 and 1.")
