"""Hold what is known about contacting customers at one instant: addresses, consents, suppressions, past messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketing.campaigns.policy.timing import INSTANT, Windows
from outbox.plan import ClassPolicy

EVERY_CHANNEL = "*"


@dataclass(frozen=True)
class Contacts:
    """Tables of the outbox at an instant; none has an address.

    Attributes:
        consents: customer_id, channel, purpose, granted.
        contacts: customer_id, channel, timezone.
        suppressions: customer_id, channel; the channel `*` is every channel.
        messages: customer_id, message_class, campaign_id, at: sent ones and those that still wait.
    """

    consents: pa.Table
    contacts: pa.Table
    suppressions: pa.Table
    messages: pa.Table

    def timezones(self, customer_ids: pa.Array, channel: str) -> tuple[np.ndarray, pa.Array]:
        """Return whether each customer has an address for a channel, and the customer's time zone or null."""
        known = self.contacts.filter(pc.equal(self.contacts["channel"], channel)).combine_chunks()
        position = pc.index_in(customer_ids, known["customer_id"])
        zones = known["timezone"].cast(pa.string()).take(position)
        has_address = position.is_valid().to_numpy(zero_copy_only=False)
        return has_address, zones.combine_chunks() if isinstance(zones, pa.ChunkedArray) else zones

    def has_consent(self, customer_ids: pa.Array, channel: str, purpose: str) -> np.ndarray:
        """Return whether each customer consented to a channel and a purpose; nothing known means no."""
        table = self.consents
        wanted = pc.and_(pc.equal(table["channel"], channel), pc.equal(table["purpose"], purpose))
        granted = table.filter(pc.and_(wanted, table["granted"]))
        return _is_in(customer_ids, granted["customer_id"])

    def is_suppressed(self, customer_ids: pa.Array, channel: str) -> np.ndarray:
        """Return whether each customer is on the suppression list of a channel."""
        wanted = pc.is_in(self.suppressions["channel"], pa.array([channel, EVERY_CHANNEL]))
        return _is_in(customer_ids, self.suppressions.filter(wanted)["customer_id"])

    def can_be_reached(self, customer_ids: pa.Array, channel: str, purpose: str, needs_consent: bool) -> np.ndarray:
        """Return whether each customer has an address and, if needed, a consent, and is not suppressed."""
        has_address, _ = self.timezones(customer_ids, channel)
        allowed: np.ndarray = has_address & ~self.is_suppressed(customer_ids, channel)
        if needs_consent:
            allowed &= self.has_consent(customer_ids, channel, purpose)
        return allowed

    def allowance(self, customer_ids: pa.Array, message_class: str, rules: ClassPolicy, found: Windows) -> np.ndarray:
        """Return how many more messages of a class the caps allow each customer, int64 `[customers]`.

        Messages count that are less than a cap's window away from when the new one may leave; those that still wait
        count as sent.
        """
        of_class = self.messages.filter(pc.equal(self.messages["message_class"], message_class))
        position = pc.index_in(of_class["customer_id"], customer_ids)
        kept = pc.is_valid(position)
        customers = position.filter(kept).to_numpy()
        at = of_class["at"].filter(kept).to_numpy().astype(INSTANT)
        allowance = np.full(len(customer_ids), np.iinfo(np.int32).max, np.int64)
        for cap in rules.caps:
            window, leaves = np.timedelta64(cap.window), found.not_before[customers]
            is_near = (at > leaves - window) & (at < leaves + window)
            count = np.bincount(customers[is_near], minlength=len(allowance))
            allowance = np.minimum(allowance, cap.max_messages - count)
        if rules.cap_per_day is not None:
            is_same = (at >= found.day_starts[customers]) & (at < found.day_ends[customers])
            allowance = np.minimum(
                allowance, rules.cap_per_day - np.bincount(customers[is_same], minlength=len(allowance))
            )
        return np.maximum(allowance, 0)


def longest_window(rules: ClassPolicy) -> timedelta:
    """Return how far back messages of a class count towards its caps."""
    return max([cap.window for cap in rules.caps] + [timedelta(days=2)])


def decided_since(decided: pa.Table, customer_ids: pa.Array, since: datetime) -> np.ndarray:
    """Return whether a campaign messaged or held out each customer after an instant.

    Args:
        decided: customer_id, outcome, decided_at of the campaign's decisions.
        customer_ids: the customers.
        since: the start of the cooldown.
    """
    recent = pc.and_(
        pc.greater(decided["decided_at"], pa.scalar(since, pa.timestamp("us"))),
        pc.not_equal(decided["outcome"], "suppressed"),
    )
    return _is_in(customer_ids, decided.filter(recent)["customer_id"])


def _is_in(customer_ids: pa.Array, found: pa.ChunkedArray) -> np.ndarray:
    hit = pc.is_in(customer_ids, found.combine_chunks().cast(pa.string()))
    return np.asarray(hit.to_numpy(zero_copy_only=False), bool)
