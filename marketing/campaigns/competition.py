"""Decide which campaign gets a customer where the caps leave less room than campaigns want: the one of higher value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marketing.campaigns.reasons import Reason, Reasons


@dataclass(frozen=True)
class Claim:
    """What one campaign wants within a message class.

    Attributes:
        campaign_id: the campaign.
        customers: numbers of the customers, `[targets]`.
        values: expected value of each message, `[targets]`.
        room: messages of the class that the caps still allow each customer, `[targets]`.
        reasons: of each target; those with a reason already claim nothing.
    """

    campaign_id: str
    customers: np.ndarray
    values: np.ndarray
    room: np.ndarray
    reasons: Reasons


def settle(claims: Sequence[Claim]) -> None:
    """Give a reason to every target of these claims that the caps leave no room for.

    Claims are served by descending expected value, then by the campaign's id, so the order of the campaigns, and which
    process plans first, have no effect. A held-out customer uses the room as well; otherwise the arms would differ in
    the other campaigns that they receive.
    """
    for claim in claims:
        claim.reasons.add(Reason.CAP, claim.room <= 0)
    wanting = [np.flatnonzero(claim.reasons.is_open) for claim in claims]
    customers = np.concatenate([claim.customers[rows] for claim, rows in zip(claims, wanting, strict=True)])
    if not len(customers):
        return
    values = np.concatenate([claim.values[rows] for claim, rows in zip(claims, wanting, strict=True)])
    room = np.concatenate([claim.room[rows] for claim, rows in zip(claims, wanting, strict=True)])
    by_id = np.argsort(np.argsort([claim.campaign_id for claim in claims]))
    campaign = np.concatenate([np.full(len(rows), by_id[number]) for number, rows in enumerate(wanting)])
    order = np.lexsort((campaign, -values, customers))
    ordered = customers[order]
    is_first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.flatnonzero(is_first)
    rank = np.arange(len(ordered)) - np.repeat(starts, np.diff(np.append(starts, len(ordered))))
    is_beaten = np.empty(len(customers), bool)
    is_beaten[order] = rank >= room[order]
    first = 0
    for claim, rows in zip(claims, wanting, strict=True):
        lost = np.zeros(len(claim.customers), bool)
        lost[rows[is_beaten[first : first + len(rows)]]] = True
        claim.reasons.add(Reason.OTHER_CAMPAIGN, lost)
        first += len(rows)
