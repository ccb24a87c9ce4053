"""Read what a plan depends on: consents, reachability, past messages and running campaigns, as Arrow tables.

No table contains an address.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Select, Table, func, select

from outbox.store import Store
from outbox.tables import DELIVERED, HARD_BOUNCE, consents, contacts, decisions, messages, plans, suppressions

_INSTANT = pa.timestamp("us")


def consents_at(store: Store, instant: datetime) -> pa.Table:
    """Return the consents that hold at an instant: the latest row of each customer, channel and purpose.

    Returns:
        Columns customer_id, channel, purpose, granted, since. A pair without a row has no consent.

    Raises:
        StoreError: The store cannot be read.
    """
    order = func.row_number().over(
        partition_by=(consents.c.customer_id, consents.c.channel, consents.c.purpose),
        # Of a yes and a no at the same instant, the no holds.
        order_by=(consents.c.since.desc(), consents.c.granted, consents.c.consent_id.desc()),
    )
    ranked = select(consents, order.label("number")).where(consents.c.since <= instant).subquery()
    names = ("customer_id", "channel", "purpose", "granted", "since")
    schema = _schema(
        customer_id=pa.string(), channel=pa.string(), purpose=pa.string(), granted=pa.bool_(), since=_INSTANT
    )
    return _read(store, select(*(ranked.c[name] for name in names)).where(ranked.c.number == 1), schema)


def contacts_at(store: Store, instant: datetime) -> pa.Table:
    """Return where customers can be reached: those with an address that was known at an instant.

    Returns:
        Columns customer_id, channel, timezone (null if unknown), updated_at.

    Raises:
        StoreError: The store cannot be read.
    """
    schema = _schema(customer_id=pa.string(), channel=pa.string(), timezone=pa.string(), updated_at=_INSTANT)
    return _read(store, _select(contacts, schema).where(contacts.c.updated_at <= instant), schema)


def suppressions_at(store: Store, instant: datetime) -> pa.Table:
    """Return the suppression list at an instant; channel '*' means every channel.

    A suppression for a hard bounce ends with a newer address, so such rows are left out.

    Returns:
        Columns customer_id, channel, reason, since.

    Raises:
        StoreError: The store cannot be read.
    """
    schema = _schema(customer_id=pa.string(), channel=pa.string(), reason=pa.string(), since=_INSTANT)
    newer = (
        select(contacts.c.customer_id)
        .where(contacts.c.customer_id == suppressions.c.customer_id, contacts.c.channel == suppressions.c.channel)
        .where(contacts.c.updated_at > suppressions.c.since, suppressions.c.reason == HARD_BOUNCE)
        .exists()
    )
    return _read(store, _select(suppressions, schema).where(suppressions.c.since <= instant, ~newer), schema)


def messages_since(store: Store, since: datetime, message_classes: Sequence[str] | None = None) -> pa.Table:
    """Return the messages that count towards frequency caps, and those that still wait.

    Args:
        store: the store.
        since: the start of the longest window.
        message_classes: only these classes; None for all.

    Returns:
        Columns customer_id, message_class, channel, campaign_id, state, at: the instant of sending, or the instant from
        which a message with state 'planned' may leave.

    Raises:
        StoreError: The store cannot be read.
    """
    at = func.coalesce(messages.c.sending_at, messages.c.due_at)
    names = ("customer_id", "message_class", "channel", "campaign_id", "state")
    query = select(*(messages.c[name] for name in names), at.label("at"))
    query = query.where(messages.c.state.in_((*DELIVERED, "planned")), at > since)
    if message_classes is not None:
        query = query.where(messages.c.message_class.in_(message_classes))
    schema = _schema(**dict.fromkeys(names, pa.string()), at=_INSTANT)
    return _read(store, query, schema)


def occurrences(store: Store, campaign_id: str) -> pa.Table:
    """Return the occurrences that a campaign has already decided.

    Returns:
        Columns customer_id, trigger, occurrence, outcome, decided_at.

    Raises:
        StoreError: The store cannot be read.
    """
    texts = dict.fromkeys(("customer_id", "trigger", "occurrence", "outcome"), pa.string())
    schema = _schema(**texts, decided_at=_INSTANT)
    return _read(store, _select(decisions, schema).where(decisions.c.campaign_id == campaign_id), schema)


def running_campaigns(store: Store, instant: datetime) -> pa.Table:
    """Return the campaigns with messages that may still leave at an instant.

    Returns:
        Columns campaign_id, campaign_version, waiting (messages), until (the last instant of any).

    Raises:
        StoreError: The store cannot be read.
    """
    key = (plans.c.campaign_id, plans.c.campaign_version)
    query = (
        select(*key, func.count().label("waiting"), func.max(messages.c.not_after).label("until"))
        .select_from(messages.join(plans, messages.c.plan_id == plans.c.plan_id))
        .where(messages.c.state == "planned", messages.c.not_after >= instant)
        .group_by(*key)
        .order_by(*key)
    )
    schema = _schema(campaign_id=pa.string(), campaign_version=pa.string(), waiting=pa.int64(), until=_INSTANT)
    return _read(store, query, schema)


def _schema(**fields: pa.DataType) -> pa.Schema:
    return pa.schema(list(fields.items()))


def _select(table: Table, schema: pa.Schema) -> Select[Any]:
    return select(*(table.c[name] for name in schema.names))


def _read(store: Store, query: Select[Any], schema: pa.Schema) -> pa.Table:
    with store.read() as connection:
        result = connection.execution_options(stream_results=True).execute(query)
        batches = [
            pa.RecordBatch.from_arrays(
                [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)],
                schema=schema,
            )
            for rows in result.partitions(10_000)
        ]
    return pa.Table.from_batches(batches, schema=schema)
