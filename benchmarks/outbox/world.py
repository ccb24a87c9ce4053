"""Make up customers whose consents, zones and plans show every rule of the outbox; all follows from a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from outbox.customers.records import Consent, Contact, record_consents, record_contacts
from outbox.plan import ClassPolicy, ContactPolicy, Content, Decision, FrequencyCap, Message, Plan, QuietHours
from outbox.store import Store

CAMPAIGNS = ("spring", "autumn")
"""Both want every customer; the cap of one message a day lets one of them through."""

AWAKE, ASLEEP = "UTC", "Etc/GMT-12"
"""A zone in which it is not quiet during the drill, and one in which it is."""

HOLD_OUT = 0.1


@dataclass(frozen=True)
class World:
    """Made-up customers.

    Attributes:
        customers: how many.
        started: the instant at which the drill began.
        waves: plans per campaign; a planner plans them one after the other.
    """

    customers: int
    started: datetime
    waves: int = 4

    def ids(self) -> list[str]:
        """Return the customers' ids."""
        return [f"customer-{number:06d}" for number in range(self.customers)]

    def kind(self, customer_id: str) -> str:
        """Return what is special about a customer: 'ordinary', 'no_consent', 'asleep', 'withdraws' or 'listed'."""
        drawn = random.Random(f"kind {customer_id}").random()
        limits = (("no_consent", 0.05), ("asleep", 0.1), ("withdraws", 0.2), ("listed", 0.22))
        return next((kind for kind, limit in limits if drawn < limit), "ordinary")

    def is_held_out(self, customer_id: str, campaign: str) -> bool:
        """Return whether a campaign holds a customer out."""
        return random.Random(f"hold-out {campaign} {customer_id}").random() < HOLD_OUT

    def policy(self) -> ContactPolicy:
        """Return a cap of one message a day, and quiet hours in which only `ASLEEP` lies."""
        there = self.started.replace(tzinfo=UTC).astimezone(ZoneInfo(ASLEEP)).replace(tzinfo=None)
        start, end = (there - timedelta(hours=2)).time(), (there + timedelta(hours=6)).time()
        quiet = QuietHours(_whole_minutes(start), _whole_minutes(end))
        caps = (FrequencyCap(1, timedelta(days=7)),)
        return ContactPolicy({"promotion": ClassPolicy(caps, cap_per_day=1, quiet_hours=quiet)}, AWAKE)

    def plans(self) -> Iterator[Plan]:
        """Yield the plans of both campaigns, wave by wave."""
        ids = self.ids()
        for wave in range(self.waves):
            for value, campaign in enumerate(CAMPAIGNS):
                decisions = [self.decision(customer_id, campaign, value) for customer_id in ids[wave :: self.waves]]
                yield Plan(
                    f"{campaign}-{wave}", campaign, "1", {}, self.started, self.started, self.policy(), decisions
                )

    def settle_in(self, store: Store) -> None:
        """Store consents, addresses and the suppression list."""
        before = self.started - timedelta(days=1)
        kinds = {customer_id: self.kind(customer_id) for customer_id in self.ids()}
        record_consents(
            store,
            (
                Consent(c, "email", "marketing", True, before, "drill")
                for c, kind in kinds.items()
                if kind != "no_consent"
            ),
        )
        record_contacts(
            store,
            (
                Contact(c, "email", f"{c}@shop.example", ASLEEP if kind == "asleep" else AWAKE, before)
                for c, kind in kinds.items()
            ),
        )

    def decision(self, customer_id: str, campaign: str, value: int) -> Decision:
        """Return the decision of a campaign about a customer."""
        occurrence = f"campaign:{campaign}"
        if self.is_held_out(customer_id, campaign):
            return Decision(customer_id, "campaign", occurrence, "hold_out", HOLD_OUT, "held_out", "hold_out")
        content = Content(f"{campaign} sale", f"Text of {campaign}")
        window = (self.started - timedelta(hours=1), self.started + timedelta(days=1))
        message = Message("promotion", "marketing", "email", content, *window)
        return Decision(
            customer_id, "campaign", occurrence, "sent", 1 - HOLD_OUT, "planned", expected_value=value, message=message
        )


def _whole_minutes(instant: time) -> time:
    return instant.replace(second=0, microsecond=0)
