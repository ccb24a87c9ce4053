"""Take one message, and record how its delivery ended: each is one transaction, and neither uses a socket.

planned -> sending -> sent | exported | refused | in_doubt, or back to planned for another attempt, at last failed.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from outbox.channels.channel import Outcome, Refused
from outbox.customers.records import put_on_list
from outbox.plan import ContactPolicy, Delivery
from outbox.sending.eligibility import EXPIRED, Allowed, Later, Never, decide
from outbox.sending.outcomes import TEMPORARY_FAILURE, changes_after
from outbox.sending.recovery import change
from outbox.store import Store
from outbox.switches import PAUSE
from outbox.tables import HARD_BOUNCE, INCOMPLETE, WAITING, contents, controls, decisions, messages, plans

SENDING = "sending"

EXAMINED = 100
"""Messages that one transaction looks at before it commits, so that it never holds the store for long."""

EXPORT_CHUNK = 2_000
"""Messages of a file that one transaction takes; memory does not grow with the file."""

OF_WHOLE_PLAN = messages.c.plan_id.not_in(select(plans.c.plan_id).where(INCOMPLETE))
"""The condition that every decision of a message's plan is stored, the hold-out's too.

It is part of each statement that reads messages: a statement sees a plan's row if it sees one of its messages.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claimed:
    """A message in state `sending`: only its owner delivers it.

    `repr` shows no customer, address or content.
    """

    message_id: str
    row: dict[str, Any]
    address: str
    subject: str
    body_text: str
    body_html: str | None
    needs_consent: bool

    def __repr__(self) -> str:
        return f"Claimed({self.message_id})"


@dataclass(frozen=True)
class Idle:
    """No message may leave now; `again` is whether another look at once may find one."""

    again: bool
    next_due: datetime | None = None


@dataclass(frozen=True)
class Paused:
    """The pause switch is on."""

    reason: str


class Claims:
    """The transactions of one sender.

    Args:
        store: the store.
        owner: the sender's name, unique per process.
        resend_in_doubt: whether messages that may have arrived are sent again, with the same Message-ID.
    """

    def __init__(self, store: Store, owner: str, resend_in_doubt: bool = False):
        self._store = store
        self._owner = owner
        self._resend = resend_in_doubt
        self._policies: dict[str, ContactPolicy] = {}

    def claim(self, deliveries: Sequence[Delivery], clock: Callable[[], datetime]) -> Claimed | Idle | Paused:
        """Apply the rules to the messages that are due, and take the first that may leave.

        Args:
            deliveries: the kinds of delivery that this sender can do.
            clock: read once the transaction has its lock, because waiting for it may last into quiet hours.

        Raises:
            StoreError: The store cannot be used; no message was taken.
        """
        with self._store.write("send") as connection:
            paused = connection.execute(select(controls.c.reason).where(controls.c.name == PAUSE)).scalar()
            if paused is not None:
                return Paused(paused)
            now = clock()
            for _ in range(EXAMINED):
                message = self._next_due(connection, deliveries, now)
                if message is None:
                    return Idle(False, self._next_instant(connection, deliveries))
                taken = self._apply(connection, message, now)
                if taken is not None:
                    return taken
        return Idle(True)

    def _next_due(self, connection: Connection, deliveries: Sequence[Delivery], now: datetime) -> Row[Any] | None:
        first = min(filter(None, (self._first_due(connection, kind, now) for kind in deliveries)), default=None)
        if first is None:
            return None
        # Of several messages to one customer the most valuable goes first, whichever was planned first. The conditions
        # are those of the customer's index; a customer has few messages, so the rest is compared here.
        same = connection.execute(
            select(messages)
            .where(
                messages.c.customer_id == first[2], messages.c.message_class == first[3], messages.c.state == "planned"
            )
            .where(OF_WHOLE_PLAN)
        )
        waiting = (row for row in same if row.delivery in deliveries and row.due_at <= now)
        return min(waiting, key=lambda row: (-row.expected_value, row.due_at, row.message_id))

    def _first_due(self, connection: Connection, delivery: Delivery, now: datetime) -> tuple[Any, ...] | None:
        """Return due_at, message_id, customer_id and message_class of the message that is due longest."""
        names = ("due_at", "message_id", "customer_id", "message_class")
        found = connection.execute(
            select(*(messages.c[name] for name in names))
            .where(WAITING, messages.c.delivery == delivery, messages.c.due_at <= now, OF_WHOLE_PLAN)
            .order_by(messages.c.due_at, messages.c.message_id)
            .limit(1)
        ).first()
        return None if found is None else tuple(found)

    def _apply(self, connection: Connection, message: Row[Any], now: datetime) -> Claimed | None:
        row = dict(message._mapping)
        policy = self._policy(connection, row["plan_id"])
        verdict = decide(connection, row, policy, now)
        if isinstance(verdict, Later):
            change(connection, row, due_at=verdict.until, reason=verdict.reason)
            return None
        if isinstance(verdict, Never):
            has_failed = verdict.reason == EXPIRED and row["reason"] == TEMPORARY_FAILURE
            state, reason = ("failed", TEMPORARY_FAILURE) if has_failed else ("suppressed", verdict.reason)
            change(connection, row, state=state, reason=reason, detail=verdict.detail, settled_at=now)
            return None
        return self._take(connection, row, verdict, policy, now)

    def _take(
        self, connection: Connection, row: dict[str, Any], allowed: Allowed, policy: ContactPolicy, now: datetime
    ) -> Claimed:
        change(
            connection,
            row,
            state="sending",
            reason=SENDING,
            detail="",
            owner=self._owner,
            sending_at=now,
            attempts=row["attempts"] + 1,
            local_day=allowed.day,
            day_slot=allowed.slot,
            cap_per_day=allowed.cap_per_day,
        )
        content = connection.execute(select(contents).where(contents.c.content_hash == row["content_hash"])).one()
        needs_consent = policy.classes[row["message_class"]].needs_consent
        return Claimed(
            row["message_id"],
            {**row, "attempts": row["attempts"] + 1},
            allowed.address,
            content.subject,
            content.body_text,
            content.body_html,
            needs_consent,
        )

    def claim_export(
        self, campaign_id: str, channel: str, file: str, clock: Callable[[], datetime]
    ) -> list[Claimed] | None:
        """Take the next messages of a campaign and channel that may go into a file now; None after the last.

        Args:
            campaign_id: the campaign.
            channel: the channel.
            file: name of the file, kept with the messages until it is published.
            clock: read once the transaction has its lock.

        Raises:
            StoreError: The store cannot be used; no message was taken.
        """
        of_file = (messages.c.campaign_id == campaign_id, messages.c.channel == channel)
        found: list[Claimed] = []
        with self._store.write("send") as connection:
            if connection.execute(select(controls.c.reason).where(controls.c.name == PAUSE)).first() is not None:
                return None
            now = clock()
            due = (WAITING, messages.c.delivery == "export", messages.c.due_at <= now, OF_WHOLE_PLAN)
            shown = (decisions.c.segment, decisions.c.coupon_id, decisions.c.product_ids)
            query = select(messages, *shown).join(decisions, _SAME_DECISION).where(*due, *of_file)
            rows = connection.execute(query.order_by(messages.c.message_id).limit(EXPORT_CHUNK)).all()
            for message in rows:
                taken = self._apply(connection, message, now)
                if taken is not None:
                    change(connection, taken.row, detail=file)
                    found.append(taken)
        return found if rows else None

    def settle(self, claimed: Claimed, outcome: Outcome, now: datetime) -> str:
        """Record how a delivery ended, and return the message's new state.

        Raises:
            StoreError: The store cannot be used. Try again: until then the message is in state `sending`.
        """
        changes = changes_after(claimed.row, outcome, now, self._resend)
        with self._store.write("settle") as connection:
            # Another sender may have put the message in doubt when it took this one for dead.
            changed = connection.execute(
                update(messages)
                .where(messages.c.message_id == claimed.message_id, messages.c.owner == self._owner)
                .where(messages.c.state.in_(("sending", "in_doubt")))
                .values(changes)
            ).rowcount
            if changed and isinstance(outcome, Refused) and outcome.is_hard_bounce:
                # By the message's own row, because an erasure may have renamed the customer.
                customer = select(messages.c.customer_id).where(messages.c.message_id == claimed.message_id)
                row = {"channel": claimed.row["channel"], "reason": HARD_BOUNCE, "since": now}
                found = connection.execute(customer).scalar_one()
                put_on_list(self._store, connection, [{"customer_id": found, **row}])
        return str(changes["state"]) if changed else "in_doubt"

    def _policy(self, connection: Connection, plan_id: str) -> ContactPolicy:
        if plan_id not in self._policies:
            stored = connection.execute(select(plans.c.policy).where(plans.c.plan_id == plan_id)).scalar_one()
            self._policies[plan_id] = ContactPolicy.from_json(stored)
        return self._policies[plan_id]

    def _next_instant(self, connection: Connection, deliveries: Sequence[Delivery]) -> datetime | None:
        waiting = (WAITING, messages.c.delivery.in_(deliveries), OF_WHOLE_PLAN)
        return connection.execute(select(func.min(messages.c.due_at)).where(*waiting)).scalar()


_KEY = ("customer_id", "campaign_id", "trigger", "occurrence")
_SAME_DECISION = and_(*(messages.c[name] == decisions.c[name] for name in _KEY))
