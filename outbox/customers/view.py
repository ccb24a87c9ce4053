"""Read what the outbox holds about one customer: decisions and messages, consents, addresses and suppressions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select

from outbox.store import Store
from outbox.tables import consents, contacts, decisions, messages, suppressions

SHOWN = 100
"""Decisions that are listed at most, the newest first."""


@dataclass(frozen=True)
class CampaignDecision:
    """A campaign's decision about a customer, and the state of the message.

    Attributes:
        campaign_id: the campaign.
        trigger: what made the customer a target.
        variant: the arm of the experiment.
        state: of the message; `held_out` or `suppressed` if there is none.
        reason: why it is in this state; may be empty for a message that was sent.
        channel: of the message; None without one.
        decided_at: naive UTC.
        at: when the message was sent, or else when it is due; None without one (naive UTC).
    """

    campaign_id: str
    trigger: str
    variant: str
    state: str
    reason: str
    channel: str | None
    decided_at: datetime
    at: datetime | None


@dataclass(frozen=True)
class CustomerRecord:
    """The rows of the outbox about one customer; no address is among them.

    Attributes:
        decisions: the newest ones, at most `SHOWN`.
        count: all decisions.
        consents: the newest answer by channel and purpose: channel, purpose, granted, since, source.
        contacts: channels with an address: channel, timezone, updated_at.
        suppressions: entries of the suppression list: channel, reason, since.
    """

    decisions: Sequence[CampaignDecision]
    count: int
    consents: Sequence[Mapping[str, Any]]
    contacts: Sequence[Mapping[str, Any]]
    suppressions: Sequence[Mapping[str, Any]]


def customer_record(store: Store, customer_id: str) -> CustomerRecord:
    """Return what the store holds about a customer; nothing is an empty record.

    Raises:
        StoreError: The store cannot be read.
    """
    key = ("customer_id", "campaign_id", "trigger", "occurrence", "outcome")
    its_message = and_(*(messages.c[name] == decisions.c[name] for name in key))
    of_customer = decisions.c.customer_id == customer_id
    decided = (
        select(
            *(decisions.c[name] for name in ("campaign_id", "trigger", "variant")),
            func.coalesce(messages.c.state, decisions.c.outcome).label("state"),
            func.coalesce(messages.c.reason, decisions.c.reason).label("reason"),
            messages.c.channel,
            decisions.c.decided_at,
            func.coalesce(messages.c.settled_at, messages.c.sending_at, messages.c.due_at).label("at"),
        )
        .select_from(decisions.outerjoin(messages, its_message))
        .where(of_customer)
        .order_by(decisions.c.decided_at.desc(), decisions.c.campaign_id, decisions.c.occurrence)
        .limit(SHOWN)
    )
    order = func.row_number().over(
        partition_by=(consents.c.channel, consents.c.purpose),
        # Of a yes and a no at the same instant, the no holds.
        order_by=(consents.c.since.desc(), consents.c.granted, consents.c.consent_id.desc()),
    )
    answers = select(consents, order.label("number")).where(consents.c.customer_id == customer_id).subquery()
    answer_names = ("channel", "purpose", "granted", "since", "source")
    with store.read() as connection:
        return CustomerRecord(
            [CampaignDecision(**row._mapping) for row in connection.execute(decided)],
            connection.execute(select(func.count()).select_from(decisions).where(of_customer)).scalar_one(),
            _mappings(
                connection.execute(
                    select(*(answers.c[name] for name in answer_names))
                    .where(answers.c.number == 1)
                    .order_by(answers.c.channel, answers.c.purpose)
                )
            ),
            _mappings(
                connection.execute(
                    select(contacts.c.channel, contacts.c.timezone, contacts.c.updated_at)
                    .where(contacts.c.customer_id == customer_id)
                    .order_by(contacts.c.channel)
                )
            ),
            _mappings(
                connection.execute(
                    select(suppressions.c.channel, suppressions.c.reason, suppressions.c.since)
                    .where(suppressions.c.customer_id == customer_id)
                    .order_by(suppressions.c.since.desc())
                )
            ),
        )


def _mappings(rows: Any) -> list[Mapping[str, Any]]:
    return [dict(row) for row in rows.mappings()]
