"""Decide whether a waiting message may leave now: the rules that are asked again in the sender's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from outbox.plan import ClassPolicy, ContactPolicy
from outbox.quiet_hours import local_day, next_day, quiet_until, zone_of
from outbox.switches import CAMPAIGN_STOPPED, STOP
from outbox.tables import (
    DELIVERED,
    EVERY_CHANNEL,
    HARD_BOUNCE,
    consents,
    contacts,
    controls,
    decisions,
    messages,
    plans,
)
from outbox.tables import suppressions as suppression_list

EXPIRED, ON_LIST, HOLD_OUT = "expired", "suppression_list", "hold_out"
GLOBAL_HOLD_OUT = "global_hold_out"
NO_CONSENT, WITHDRAWN, NO_ADDRESS = "no_consent", "consent_withdrawn", "no_address"
FREQUENCY_CAP, QUIET_HOURS = "frequency_cap", "quiet_hours"


@dataclass(frozen=True)
class Allowed:
    """The message may leave.

    Attributes:
        address: where it goes.
        day: the customer's calendar day, if the class has a cap per day.
        slot: number of this message on that day, from 0.
        cap_per_day: that cap.
    """

    address: str
    day: date | None = None
    slot: int | None = None
    cap_per_day: int | None = None


@dataclass(frozen=True)
class Later:
    """The message may leave from `until` on."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class Never:
    """The message does not leave."""

    reason: str
    detail: str = ""


def decide(
    connection: Connection, message: Mapping[str, Any], policy: ContactPolicy, now: datetime
) -> Allowed | Later | Never:
    """Apply all rules to a waiting message, in the order in which their reasons matter.

    Args:
        connection: the transaction that will set the message's state.
        message: the row of `messages`.
        policy: the rules stored with the message's plan.
        now: the present instant.
    """
    if now > message["not_after"]:
        return Never(EXPIRED, message["reason"])
    stopped = select(controls.c.reason).where(controls.c.name == f"{STOP}{message['campaign_id']}")
    if (reason := connection.execute(stopped).scalar()) is not None:
        return Never(CAMPAIGN_STOPPED, reason)
    rules = policy.classes[message["message_class"]]
    contact = _contact(connection, message)
    refusal = _refusal(connection, message, policy, contact, now)
    if refusal is not None or contact is None:
        return refusal or Never(NO_ADDRESS)
    zone = zone_of(contact["timezone"], policy.timezone)
    later = _rolling_caps(connection, message, rules, now)
    day, slot = None, None
    if later is None and rules.cap_per_day is not None:
        day = local_day(now, zone)
        slot = _free_slot(connection, message, day, rules.cap_per_day)
        later = Later(next_day(now, zone), FREQUENCY_CAP) if slot is None else None
    until = quiet_until(later.until if later else now, rules.quiet_hours, zone)
    if until is not None:
        # A file for another tool leaves later than now, so quiet hours are that tool's matter.
        later = later if message["delivery"] == "export" else Later(until, later.reason if later else QUIET_HOURS)
    if later is None:
        return Allowed(contact["address"], day, slot, rules.cap_per_day)
    return later if later.until <= message["not_after"] else Never(later.reason)


def _refusal(
    connection: Connection, message: Mapping[str, Any], policy: ContactPolicy, contact: Any, now: datetime
) -> Never | None:
    listed = connection.execute(
        select(suppression_list.c.reason, suppression_list.c.since).where(
            suppression_list.c.customer_id == message["customer_id"],
            suppression_list.c.channel.in_((message["channel"], EVERY_CHANNEL)),
        )
    )
    for reason, since in listed:
        if not (reason == HARD_BOUNCE and contact is not None and contact["updated_at"] > since):
            return Never(ON_LIST, reason)
    if _is_held_out(connection, message):
        return Never(HOLD_OUT)
    if _is_globally_held_out(connection, message, policy):
        return Never(GLOBAL_HOLD_OUT)
    needs_consent = policy.classes[message["message_class"]].needs_consent
    return _consent_refusal(connection, message, now) if needs_consent else None


def _is_held_out(connection: Connection, message: Mapping[str, Any]) -> bool:
    """Whether this version of the campaign has held the customer out, for any occurrence."""
    version = select(plans.c.campaign_version).where(plans.c.plan_id == message["plan_id"]).scalar_subquery()
    found = connection.execute(
        select(decisions.c.customer_id)
        .join(plans, decisions.c.plan_id == plans.c.plan_id)
        .where(
            decisions.c.customer_id == message["customer_id"],
            decisions.c.campaign_id == message["campaign_id"],
            or_(decisions.c.is_holdout, decisions.c.outcome == "held_out"),
            plans.c.campaign_version == version,
        )
        .limit(1)
    )
    return found.first() is not None


def _is_globally_held_out(connection: Connection, message: Mapping[str, Any], policy: ContactPolicy) -> bool:
    """Whether a plan has found the customer in the global hold-out, and that still holds for this message.

    It does if the plan came later, or if its share was not larger than that of the message's plan.
    """
    found = connection.execute(
        select(plans.c.policy, decisions.c.decided_at)
        .join(plans, decisions.c.plan_id == plans.c.plan_id)
        .where(decisions.c.customer_id == message["customer_id"], decisions.c.reason == GLOBAL_HOLD_OUT)
    )
    for stored, decided_at in found:
        held = ContactPolicy.from_json(stored).global_hold_out
        is_newer = decided_at >= message["planned_at"]
        if held.covers(message["message_class"]) and (is_newer or held.share <= policy.global_hold_out.share):
            return True
    return False


def _consent_refusal(connection: Connection, message: Mapping[str, Any], now: datetime) -> Never | None:
    latest = connection.execute(
        select(consents.c.granted, consents.c.since)
        .where(
            consents.c.customer_id == message["customer_id"],
            consents.c.channel == message["channel"],
            consents.c.purpose == message["purpose"],
        )
        .order_by(consents.c.since.desc(), consents.c.granted)
        .limit(1)
    ).first()
    if latest is None:
        return Never(NO_CONSENT)
    if not latest.granted:
        return Never(WITHDRAWN)
    return Never(NO_CONSENT, "granted from a later instant") if latest.since > now else None


def _contact(connection: Connection, message: Mapping[str, Any]) -> Any:
    return (
        connection.execute(
            select(contacts).where(
                contacts.c.customer_id == message["customer_id"], contacts.c.channel == message["channel"]
            )
        )
        .mappings()
        .first()
    )


def _rolling_caps(
    connection: Connection, message: Mapping[str, Any], rules: ClassPolicy, now: datetime
) -> Later | None:
    if not rules.caps:
        return None
    # No upper bound: after the clock was set back, messages "of the future" still count.
    sent = connection.execute(
        select(messages.c.sending_at)
        .where(
            messages.c.customer_id == message["customer_id"],
            messages.c.message_class == message["message_class"],
            messages.c.state.in_(DELIVERED),
            messages.c.sending_at > now - max(cap.window for cap in rules.caps),
        )
        .order_by(messages.c.sending_at.desc())
    ).scalars()
    instants = list(sent)
    until = [
        instants[cap.max_messages - 1] + cap.window if cap.max_messages else datetime.max
        for cap in rules.caps
        if len(instants) >= cap.max_messages
    ]
    blocked = [instant for instant in until if instant > now]
    return Later(max(blocked), FREQUENCY_CAP) if blocked else None


def _free_slot(connection: Connection, message: Mapping[str, Any], day: date, cap_per_day: int) -> int | None:
    taken = connection.execute(
        select(messages.c.day_slot).where(
            messages.c.customer_id == message["customer_id"],
            messages.c.message_class == message["message_class"],
            messages.c.local_day == day,
            messages.c.day_slot.is_not(None),
        )
    ).scalars()
    free = set(range(cap_per_day)) - set(taken)
    return min(free, default=None)
