"""Record consents, addresses and suppressions, and erase a customer.

The store is the one source of consents and addresses for planning and sending. Nothing known means no consent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, delete, exists, select, update

from core.clock import utc_now
from outbox.store import Store
from outbox.tables import EVERY_CHANNEL, consents, contacts, contents, decisions, messages, suppressions

ERASED = "erased"
"""The reason of messages and suppressions of an erased customer."""

PSEUDONYM = f"{ERASED}-"
"""Begins the random name under which an erased customer's decisions stay."""


@dataclass(frozen=True)
class Consent:
    """A customer's yes or no to one purpose on one channel, from `since` on."""

    customer_id: str
    channel: str
    purpose: str
    granted: bool
    since: datetime
    source: str


@dataclass(frozen=True)
class Contact:
    """How a customer is reached on a channel: personal data.

    Attributes:
        customer_id: the customer.
        channel: 'email', 'sms', …
        address: an e-mail address, a telephone number, …
        timezone: the customer's IANA zone, or None if unknown.
        updated_at: since when this is the address; an older one never replaces a newer one.
    """

    customer_id: str
    channel: str
    address: str
    timezone: str | None
    updated_at: datetime


@dataclass(frozen=True)
class Erased:
    """The numbers of rows that an erasure removed, and of messages and decisions that it kept under a random name."""

    addresses: int
    consents: int
    unsent_messages: int
    kept_messages: int
    kept_decisions: int


def record_consents(store: Store, rows: Iterable[Consent]) -> int:
    """Append consents; a row that is already there is skipped. Return how many were new.

    Raises:
        StoreError: The store cannot be written.
    """
    values = [asdict(row) for row in rows]
    if not values:
        return 0
    with store.write("people") as connection:
        return store.count_written(connection, store.insert_new(consents), values)


def record_consent(store: Store, row: Consent) -> Consent:
    """Append a consent, and return the one that counts for its customer, channel and purpose: the newest.

    Raises:
        StoreError: The store cannot be written.
    """
    with store.write("people") as connection:
        connection.execute(store.insert_new(consents), asdict(row))
        names = [consents.c[field.name] for field in fields(Consent)]
        # Of a yes and a no at the same instant, the no counts.
        counts = connection.execute(
            select(*names)
            .where(*(consents.c[name] == getattr(row, name) for name in ("customer_id", "channel", "purpose")))
            .order_by(consents.c.since.desc(), consents.c.granted)
            .limit(1)
        ).one()
        return Consent(**counts._mapping)


def record_contacts(store: Store, rows: Iterable[Contact]) -> None:
    """Store addresses; a newer one replaces an older one.

    Raises:
        StoreError: The store cannot be written.
    """
    values = [asdict(row) for row in rows]
    if not values:
        return
    insert = store.insert(contacts)
    new = {name: insert.excluded[name] for name in ("address", "timezone", "updated_at")}
    statement = insert.on_conflict_do_update(
        index_elements=["customer_id", "channel"], set_=new, where=contacts.c.updated_at <= insert.excluded.updated_at
    )
    with store.write("people") as connection:
        connection.execute(statement, values)


def suppress(store: Store, customer_id: str, channel: str, reason: str, since: datetime | None = None) -> None:
    """Put a customer on the suppression list of a channel, or of `EVERY_CHANNEL`.

    Raises:
        StoreError: The store cannot be written.
    """
    row = {"customer_id": customer_id, "channel": channel, "reason": reason, "since": since or utc_now()}
    with store.write("people") as connection:
        put_on_list(store, connection, [row])


def put_on_list(store: Store, connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Put customers on the suppression list; the newest of several times stays. Return how many rows changed.

    Args:
        store: the opened store.
        connection: the transaction.
        rows: with customer_id, channel, reason and since.
    """
    if not rows:
        return 0
    insert = store.insert(suppressions)
    statement = insert.on_conflict_do_update(
        index_elements=["customer_id", "channel", "reason"],
        set_={"since": insert.excluded.since},
        where=suppressions.c.since < insert.excluded.since,
    )
    return store.count_written(connection, statement, [*rows])


def erase(store: Store, customer_id: str) -> Erased:
    """Remove a customer's address, consents and unsent messages; keep anonymous counts of the rest.

    Decisions and sent messages stay under a random name, so counts per arm do not change. The customer's id stays on
    the suppression list only, so that an import which still has the customer cannot lead to a message.

    Raises:
        StoreError: The store cannot be written. Nothing was removed.
    """
    now, pseudonym = utc_now(), f"{PSEUDONYM}{uuid4()}"
    of_customer = messages.c.customer_id == customer_id
    with store.write("send") as connection:
        connection.execute(
            store.insert_new(suppressions),
            {"customer_id": customer_id, "channel": EVERY_CHANNEL, "reason": ERASED, "since": now},
        )
        connection.execute(
            delete(suppressions).where(suppressions.c.customer_id == customer_id, suppressions.c.reason != ERASED)
        )
        addresses = connection.execute(delete(contacts).where(contacts.c.customer_id == customer_id)).rowcount
        removed = connection.execute(delete(consents).where(consents.c.customer_id == customer_id)).rowcount
        unsent = connection.execute(
            update(messages)
            .where(of_customer, messages.c.state == "planned")
            .values({"state": "suppressed", "reason": ERASED, "settled_at": now})
        ).rowcount
        hashes = connection.execute(select(messages.c.content_hash).where(of_customer).distinct()).scalars().all()
        kept = connection.execute(
            update(messages).where(of_customer).values({"content_hash": None, "detail": ""})
        ).rowcount
        still_used = exists().where(messages.c.content_hash == contents.c.content_hash)
        connection.execute(delete(contents).where(contents.c.content_hash.in_(hashes), ~still_used))
        # Messages follow by the foreign key.
        kept_decisions = connection.execute(
            update(decisions).where(decisions.c.customer_id == customer_id).values({"customer_id": pseudonym})
        ).rowcount
    store.truncate_log()
    return Erased(addresses, removed, unsent, kept - unsent, kept_decisions)
