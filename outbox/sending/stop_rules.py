"""Stop a campaign by its own limits: too many of its messages bounced, or led customers to withdraw their consent.

A withdrawal or a hard bounce counts for the customer's last message before it on that channel. The message before a
withdrawal also has its purpose. After a person has restarted a campaign, only later messages count.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select

from outbox.store import Store
from outbox.switches import RESTARTED, STOP, stop_campaign
from outbox.tables import HARD_BOUNCE, consents, controls, messages, plans, suppressions

LEFT = ("sent", "exported", "in_doubt", "refused")
"""States of messages that left, or that a server refused."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StopRules:
    """The limits of one campaign, as its newest plan defines them.

    Attributes:
        max_unsubscribes: the largest share of messages after which the customer withdrew; None for no limit.
        max_bounces: the largest share of messages that bounced; None for no limit.
        after_messages: the shares count from this many messages on.
    """

    max_unsubscribes: float | None
    max_bounces: float | None
    after_messages: int

    @classmethod
    def of_definition(cls, definition: Mapping[str, Any]) -> "StopRules":
        """Return the limits in a campaign's definition; one without the section `stop` has none."""
        stop = definition.get("stop") or {}
        return cls(stop.get("max_unsubscribes"), stop.get("max_bounces"), stop.get("after_messages", 1))

    def broken(self, left: int, unsubscribes: int, bounces: int) -> str | None:
        """Return which limit the counts exceed, as a sentence; None if they keep all."""
        if left < self.after_messages:
            return None
        for count, limit, name, words in (
            (unsubscribes, self.max_unsubscribes, "max_unsubscribes", "were followed by a withdrawn consent"),
            (bounces, self.max_bounces, "max_bounces", "bounced"),
        ):
            if limit is not None and count > limit * left:
                return f"{count:,} of {left:,} messages ({count / left:.1%}) {words}; stop.{name} allows {limit:.1%}."
        return None


@dataclass(frozen=True)
class Rates:
    """Count what followed the messages of a campaign since it was last restarted.

    Attributes:
        left: messages that left.
        unsubscribes: of these, those after which the customer withdrew the consent.
        bounces: of these, those that bounced.
    """

    left: int
    unsubscribes: int
    bounces: int


def rates_of(store: Store, campaign_id: str) -> Rates:
    """Return the counts that a campaign's limits are compared with.

    Raises:
        StoreError: The store cannot be read.
    """
    with store.read() as connection:
        left = _left(connection, campaign_id)
        unsubscribes, bounces = _followed(connection)
    return Rates(left, unsubscribes.get(campaign_id, 0), bounces.get(campaign_id, 0))


def stop_by_rules(store: Store) -> dict[str, str]:
    """Stop every campaign that exceeds one of its limits; return the reason of each that was stopped now.

    Raises:
        StoreError: The store cannot be used.
    """
    with store.read() as connection:
        found = _broken(connection)
    for campaign_id, reason in found.items():
        waited = stop_campaign(store, campaign_id, reason)
        log.warning("Campaign %s is stopped, and %d of its messages do not leave: %s", campaign_id, waited, reason)
    return found


def _broken(connection: Connection) -> dict[str, str]:
    unsubscribes, bounces = _followed(connection)
    stopped = set(connection.execute(select(controls.c.name).where(controls.c.name.startswith(STOP))).scalars())
    found = {}
    for campaign_id in sorted({*unsubscribes, *bounces}):
        if f"{STOP}{campaign_id}" in stopped:
            continue
        left = _left(connection, campaign_id)
        counts = (unsubscribes.get(campaign_id, 0), bounces.get(campaign_id, 0))
        if reason := _rules(connection, campaign_id).broken(left, *counts):
            found[campaign_id] = reason
    return found


def _followed(connection: Connection) -> tuple[dict[str, int], dict[str, int]]:
    """Return by campaign the messages that a withdrawal followed, and those that bounced."""
    unsubscribes = _after_messages(connection, consents, ("channel", "purpose"), consents.c.granted.is_(False))
    bounces = _after_messages(connection, suppressions, ("channel",), suppressions.c.reason == HARD_BOUNCE)
    return unsubscribes, bounces


def _after_messages(
    connection: Connection, table: Table, same: tuple[str, ...], condition: ColumnElement[bool]
) -> dict[str, int]:
    """Return by campaign the messages after which, and before the customer's next one, such a row was written."""
    later = messages.alias("later")
    names = ("customer_id", *same)
    next_one = (
        select(later.c.message_id)
        .where(*(later.c[name] == messages.c[name] for name in names))
        .where(later.c.sending_at > messages.c.sending_at, later.c.sending_at <= table.c.since)
        .exists()
    )
    query = (
        select(messages.c.campaign_id, func.count(messages.c.message_id.distinct()))
        .select_from(table.join(messages, and_(*(table.c[name] == messages.c[name] for name in names))))
        .outerjoin(controls, _restart_of_campaign())
        .where(condition, messages.c.state.in_(LEFT), messages.c.sending_at <= table.c.since, ~next_one)
        .where(_since_restart())
        .group_by(messages.c.campaign_id)
    )
    return {str(campaign_id): int(count) for campaign_id, count in connection.execute(query)}


def _left(connection: Connection, campaign_id: str) -> int:
    of_campaign = select(plans.c.plan_id).where(plans.c.campaign_id == campaign_id)
    query = (
        select(func.count())
        .select_from(messages.outerjoin(controls, _restart_of_campaign()))
        .where(messages.c.plan_id.in_(of_campaign), messages.c.state.in_(LEFT), _since_restart())
    )
    return int(connection.execute(query).scalar_one())


def _rules(connection: Connection, campaign_id: str) -> StopRules:
    newest = select(plans.c.definition).where(plans.c.campaign_id == campaign_id)
    newest = newest.order_by(plans.c.planned_at.desc(), plans.c.plan_id.desc()).limit(1)
    return StopRules.of_definition(connection.execute(newest).scalar_one())


def _restart_of_campaign() -> ColumnElement[bool]:
    return controls.c.name == RESTARTED + messages.c.campaign_id


def _since_restart() -> ColumnElement[bool]:
    return or_(controls.c.since.is_(None), messages.c.sending_at > controls.c.since)
