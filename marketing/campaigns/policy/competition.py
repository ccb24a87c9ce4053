"""Decide which campaign gets a customer where the caps allow fewer messages than campaigns want."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marketing.campaigns.plan.reasons import Reason, Reasons


@dataclass(frozen=True)
class Claim:
    """The messages that one campaign wants to send within a message class.

    Attributes:
        campaign_id: the campaign.
        customers: numbers of the customers, `[targets]`.
        values: expected value of each message, `[targets]`.
        allowance: messages of the class that the caps still allow each customer, `[targets]`.
        reasons: of each target; those with a reason already claim nothing.
    """

    campaign_id: str
    customers: np.ndarray
    values: np.ndarray
    allowance: np.ndarray
    reasons: Reasons


def settle(claims: Sequence[Claim]) -> None:
    """Give a reason to every target of these claims that the caps do not allow.

    Claims are served by descending expected value, then by the campaign's id, so the order of the campaigns, and which
    process plans first, have no effect. A held-out customer uses up the allowance as well; otherwise the arms would
    differ in the other campaigns that they receive.
    """
    for claim in claims:
        claim.reasons.add(Reason.CAP, claim.allowance <= 0)
    wanting = [np.flatnonzero(claim.reasons.is_open) for claim in claims]
    customers = np.concatenate([claim.customers[rows] for claim, rows in zip(claims, wanting, strict=True)])
    if not len(customers):
        return
    values = np.concatenate([claim.values[rows] for claim, rows in zip(claims, wanting, strict=True)])
    allowance = np.concatenate([claim.allowance[rows] for claim, rows in zip(claims, wanting, strict=True)])
    by_id = np.argsort(np.argsort([claim.campaign_id for claim in claims]))
    campaign = np.concatenate([np.full(len(rows), by_id[number]) for number, rows in enumerate(wanting)])
    order = np.lexsort((campaign, -values, customers))
    ordered = customers[order]
    is_first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.flatnonzero(is_first)
    rank = np.arange(len(ordered)) - np.repeat(starts, np.diff(np.append(starts, len(ordered))))
    is_beaten = np.empty(len(customers), bool)
    is_beaten[order] = rank >= allowance[order]
    first = 0
    for claim, rows in zip(claims, wanting, strict=True):
        lost = np.zeros(len(claim.customers), bool)
        lost[rows[is_beaten[first : first + len(rows)]]] = True
        claim.reasons.add(Reason.OTHER_CAMPAIGN, lost)
        first += len(rows)
