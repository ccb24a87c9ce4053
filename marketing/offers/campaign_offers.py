"""Offers for all customers under one budget: the allocation, what it costs, and what its rules cost."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from marketing.offers.allocation import Allocation, Candidates, Rules, allocate, price_of_rules
from marketing.offers.ranking import RankedOffers, check_numbers, ranked_offers
from marketing.offers.worth import Worth


@dataclass(frozen=True)
class CampaignOffers:
    """The chosen offers and their summary.

    Attributes:
        rows: the chosen rows of the ranked list, by customer.
        facts: figures by name, as they are printed.
        coupons: one row per coupon, most offered first.
        notes: sentences about what does not apply or was left out.
    """

    rows: pa.Table
    facts: dict[str, float]
    coupons: list[dict[str, str | float]]
    notes: list[str]


def campaign_offers(folder: Path, rules: Rules, worth: Worth) -> CampaignOffers:
    """Choose offers for all customers.

    Args:
        folder: the published scores.
        rules: budget and limits.
        worth: where money comes from besides the landing.

    Raises:
        ScoresError: nothing is published.
        OffersError: no campaign runs, or a number cannot be used.
    """
    check_numbers(rules.budget, rules.per_customer, rules.max_existing_share)
    ranked = ranked_offers(folder, worth)
    notes = ranked.notes
    if not ranked.knows_money:
        rows = ranked.rows.take(pa.array(_first(ranked, rules.per_customer)))
        return CampaignOffers(rows, _facts(rows), _by_coupon(rows), notes)
    candidates = _candidates(ranked)
    allocation = allocate(candidates, rules)
    rows = ranked.rows.take(pa.array(allocation.rows))
    if not rows.num_rows:
        notes.append(_why_none(candidates, rules))
    facts = _facts(rows) | _money(rows, rules, allocation)
    facts |= {
        f"expected incremental margin {name}": margin for name, margin in price_of_rules(candidates, rules).items()
    }
    return CampaignOffers(rows, facts, _by_coupon(rows), notes)


def _candidates(ranked: RankedOffers) -> Candidates:
    rows = ranked.rows
    return Candidates(
        _numbers(rows),
        rows["expected_margin"].to_numpy(),
        rows["face_value"].to_numpy(),
        ~rows["is_new"].to_numpy(zero_copy_only=False),
    )


def _numbers(rows: pa.Table) -> np.ndarray:
    """Return the number of each row's customer; the rows are sorted by customer."""
    return np.asarray(rows["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy())


def _first(ranked: RankedOffers, count: int) -> np.ndarray:
    numbers = _numbers(ranked.rows)
    first = np.flatnonzero(np.diff(numbers, prepend=-1))
    return np.flatnonzero(np.arange(len(numbers)) - first[numbers] < count)


def _why_none(candidates: Candidates, rules: Rules) -> str:
    if not (candidates.margins > 0).any():
        return "No offer is made: each is expected to lose money, because its face value exceeds what it earns."
    cheapest = float(candidates.costs[candidates.margins > 0].min())
    if rules.budget < cheapest:
        return (
            f"No offer is made: the budget {rules.budget:,.2f} does not pay for the cheapest coupon, {cheapest:,.2f}."
        )
    return (
        f"No offer is made: at most {rules.max_existing_share:.0%} of the offers may go to customers who already buy, "
        "and no other offer is expected to earn anything."
    )


def _facts(rows: pa.Table) -> dict[str, float]:
    is_new = rows["is_new"].to_numpy(zero_copy_only=False)
    return {
        "offers": rows.num_rows,
        "customers": len(set(rows["customer_id"].to_pylist())),
        "expected redemptions": float(rows["probability"].to_numpy().sum()),
        "share of offers to customers who already buy": float(1 - is_new.mean()) if rows.num_rows else 0.0,
    }


def _money(rows: pa.Table, rules: Rules, allocation: Allocation) -> dict[str, float]:
    probability, face_value = rows["probability"].to_numpy(), rows["face_value"].to_numpy()
    return {
        "budget": rules.budget,
        "face value of all offers": float(face_value.sum()),
        "expected cost of redemptions": float(probability @ face_value),
        "expected incremental margin": allocation.margin,
        "no other choice earns more than": allocation.bound,
    }


def _by_coupon(rows: pa.Table) -> list[dict[str, str | float]]:
    offers: Counter[tuple[str, str]] = Counter()
    new: Counter[tuple[str, str]] = Counter()
    redemptions: Counter[tuple[str, str]] = Counter()
    columns = ("campaign_id", "coupon_id", "is_new", "probability")
    for campaign, coupon, is_new, probability in zip(*(rows[name].to_pylist() for name in columns), strict=True):
        offers[campaign, coupon] += 1
        new[campaign, coupon] += is_new
        redemptions[campaign, coupon] += probability
    return [
        {
            "coupon": coupon,
            "campaign": campaign,
            "offers": count,
            "to new buyers": new[campaign, coupon],
            "expected redemptions": redemptions[campaign, coupon],
        }
        for (campaign, coupon), count in sorted(offers.items(), key=lambda item: (-item[1], item[0]))
    ]
