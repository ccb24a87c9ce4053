"""Small plans, consents and addresses for tests of the outbox."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from outbox.customers.records import Consent, Contact, record_consents, record_contacts
from outbox.plan import ClassPolicy, ContactPolicy, Content, Decision, FrequencyCap, Message, Plan, QuietHours
from outbox.store import Store

NOON = datetime(2026, 11, 30, 12)
"""An instant outside quiet hours in UTC."""

POLICY = ContactPolicy(
    {
        "promotion": ClassPolicy(
            (FrequencyCap(2, timedelta(days=7)),), cap_per_day=1, quiet_hours=QuietHours(time(21), time(8))
        ),
        "receipt": ClassPolicy(needs_consent=False),
    }
)

MESSAGE = Message(
    "promotion", "marketing", "email", Content("Hello", "Text"), NOON - timedelta(days=1), NOON + timedelta(days=7)
)


def at(instant: datetime) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: instant


def planned(customer_id: str, message: Message = MESSAGE, **changed: Any) -> Decision:
    """A decision with a message."""
    values: dict[str, Any] = {
        "trigger": "campaign",
        "occurrence": "campaign:c1",
        "variant": "treated",
        "propensity": 0.9,
    }
    return Decision(customer_id, **{**values, "outcome": "planned", "message": message, **changed})


def held_out(customer_id: str, **changed: Any) -> Decision:
    """A decision of the hold-out."""
    values = {"variant": "hold_out", "propensity": 0.1, "outcome": "held_out", "reason": "hold_out", "message": None}
    return replace(planned(customer_id), **{**values, **changed})


def a_plan(decisions: Iterable[Decision], **changed: Any) -> Plan:
    """A plan of campaign `c1`."""
    values: dict[str, Any] = {
        "plan_id": "p1",
        "campaign_id": "c1",
        "campaign_version": "1",
        "definition": {"goal": "x"},
    }
    return Plan(**{**values, "as_of": NOON, "planned_at": NOON, "policy": POLICY, "decisions": decisions, **changed})


def reachable(store: Store, *customers: str, timezone: str | None = None) -> None:
    """Give customers an e-mail address and a consent to marketing."""
    before = NOON - timedelta(days=30)
    record_consents(store, [Consent(c, "email", "marketing", True, before, "test") for c in customers])
    record_contacts(store, [Contact(c, "email", f"{c}@shop.example", timezone, before) for c in customers])
