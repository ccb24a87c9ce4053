"""Count a campaign's plans, decisions and messages in the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from console.web.outbox import opened_outbox
from outbox.sending.stop_rules import Rates, rates_of
from outbox.store import Store
from outbox.switches import PAUSE, STOP
from outbox.tables import controls, decisions, messages, plans
from settings import Settings

SHOWN_PLANS = 50


@dataclass(frozen=True)
class Plan:
    """One plan of a campaign."""

    plan_id: str
    version: str
    planned_at: datetime
    planned: int
    held_out: int
    suppressed: int


@dataclass
class Counts:
    """Count what the outbox holds of one campaign.

    Attributes:
        planned: decisions with a message.
        held_out: customers of the hold-out.
        left_out: decisions without a message.
        reasons: decisions without a message by reason; only where they were asked for.
        messages: messages by state and reason.
        plans: the newest first; only where they were asked for.
        stopped: why the campaign is stopped, or None.
        rates: withdrawn consents and bounces; only where they were asked for.
    """

    planned: int = 0
    held_out: int = 0
    left_out: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    messages: dict[str, dict[str, int]] = field(default_factory=dict)
    plans: Sequence[Plan] = ()
    stopped: str | None = None
    rates: Rates | None = None

    def of_state(self, *states: str) -> int:
        """Return the number of messages in any of the states."""
        return sum(sum(self.messages.get(state, {}).values()) for state in states)


@dataclass(frozen=True)
class Sending:
    """Whether messages may leave.

    Attributes:
        paused: why sending is paused, or None.
        by_campaign: counts by campaign.
    """

    paused: str | None
    by_campaign: Mapping[str, Counts]

    def of(self, campaign_id: str) -> Counts:
        """Return the counts of a campaign; zeros if it has no plan."""
        return self.by_campaign.get(campaign_id) or Counts()


def counts_of_all(settings: Settings) -> Sending:
    """Return the counts of every campaign that has a plan."""
    with opened_outbox(settings) as store:
        return _all(store) if store else Sending(None, {})


def counts_of(settings: Settings, campaign_id: str) -> tuple[Counts, str | None]:
    """Return one campaign's counts with its reasons and plans, and why sending is paused."""
    with opened_outbox(settings) as store:
        return _one(store, campaign_id) if store else (Counts(), None)


def _all(store: Store) -> Sending:
    totals = (func.sum(plans.c[name]) for name in ("planned", "held_out", "suppressed"))
    key = (messages.c.campaign_id, messages.c.state, messages.c.reason)
    with store.read() as connection:
        found = {}
        for name, planned, held_out, left_out in connection.execute(
            select(plans.c.campaign_id, *totals).group_by(plans.c.campaign_id)
        ):
            found[str(name)] = Counts(int(planned), int(held_out), int(left_out))
        for name, state, reason, count in connection.execute(select(*key, func.count()).group_by(*key)):
            found.setdefault(name, Counts()).messages.setdefault(state, {})[reason] = count
        switches = _switches(connection)
    for name, counts in found.items():
        counts.stopped = switches.get(f"{STOP}{name}")
    return Sending(switches.get(PAUSE), found)


def _one(store: Store, campaign_id: str) -> tuple[Counts, str | None]:
    newest = select(plans).where(plans.c.campaign_id == campaign_id).order_by(plans.c.planned_at.desc())
    of_campaign = select(plans.c.plan_id).where(plans.c.campaign_id == campaign_id)
    state = (messages.c.state, messages.c.reason)
    with store.read() as connection:
        rows = [
            Plan(*(row[name] for name in ("plan_id", "campaign_version", "planned_at", *_TOTALS)))
            for row in connection.execute(newest).mappings()
        ]
        reasons = (
            connection.execute(
                select(decisions.c.reason, func.count())
                .where(decisions.c.campaign_id == campaign_id, decisions.c.outcome == "suppressed")
                .group_by(decisions.c.reason)
                .order_by(func.count().desc())
            )
            .tuples()
            .all()
        )
        counted = connection.execute(
            select(*state, func.count()).where(messages.c.plan_id.in_(of_campaign)).group_by(*state)
        ).all()
        switches = _switches(connection)
    counts = Counts(*(sum(getattr(plan, name) for plan in rows) for name in _TOTALS))
    counts.reasons, counts.plans = dict(reasons), rows[:SHOWN_PLANS]
    for name, reason, count in counted:
        counts.messages.setdefault(name, {})[reason] = count
    counts.stopped, counts.rates = switches.get(f"{STOP}{campaign_id}"), rates_of(store, campaign_id)
    return counts, switches.get(PAUSE)


_TOTALS = ("planned", "held_out", "suppressed")


def _switches(connection: Any) -> dict[str, str]:
    return dict(connection.execute(select(controls.c.name, controls.c.reason)).tuples().all())
