"""Import addresses: one for each customer and channel, and none where two contradict each other.

An address that stays the same keeps its time, so its hard bounce holds. A changed address ends the bounce.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import and_, case, literal, or_

from core.clock import utc_now
from outbox.customers.addresses import is_usable
from outbox.imports.result import Imported, Rows
from outbox.store import Store
from outbox.tables import contacts

_NEVER = datetime.min
_ROWS = 5_000
"""Rows of one transaction, so that a sender never waits long for the store."""


def import_addresses(store: Store, batches: Iterable[Rows], as_of: datetime, result: Imported) -> None:
    """Store the addresses of an admission.

    Args:
        store: the opened store.
        batches: rows with customer_id, channel, address, timezone and since, by customer and channel.
        as_of: the instant from which a new address without `since` is known.
        result: counts what changed.

    Raises:
        StoreError: The store cannot be written.
    """
    zones, rows = available_timezones(), (row for batch in batches for row in batch)
    newest = (_newest([*group], zones, result) for _, group in groupby(rows, _customer_and_channel))
    for chosen in _chunks(row for row in newest if row is not None):
        with store.write("people") as connection:
            left = result.without_erased(connection, chosen)
            for is_dated in (True, False):
                values = [_values(row, as_of) for row in left if (row["since"] is not None) == is_dated]
                if values:
                    statement = _upsert(store, None if is_dated else utc_now())
                    result.addresses += store.count_written(connection, statement, values)


def _newest(group: Rows, zones: set[str], result: Imported) -> dict[str, Any] | None:
    """Return the newest usable row of one customer and channel, or None."""
    if None in _customer_and_channel(group[0]):
        result.leave_out("contact_incomplete", len(group))
        return None
    usable = [row for row in group if row["address"] and is_usable(row["channel"], row["address"])]
    result.leave_out("address_unusable", len(group) - len(usable))
    if not usable:
        return None
    latest = max(row["since"] or _NEVER for row in usable)
    newest = [row for row in usable if (row["since"] or _NEVER) == latest]
    if len({row["address"] for row in newest}) > 1:
        result.leave_out("addresses_contradict", len(newest))
        return None
    row = newest[0]
    if row["timezone"] is not None and row["timezone"] not in zones:
        result.leave_out("timezone_unknown")
        return {**row, "timezone": None}
    return row


def _upsert(store: Store, changed_at: datetime | None) -> Any:
    """Return the statement that stores addresses.

    Args:
        store: the opened store.
        changed_at: the time of an address that changed, for rows without a time; None: the rows' own.
    """
    insert = store.insert(contacts)
    new = insert.excluded
    is_other = contacts.c.address != new.address
    is_newer = literal(True) if changed_at else contacts.c.updated_at <= new.updated_at
    is_change = or_(is_other, contacts.c.timezone.is_distinct_from(new.timezone))
    since = case((is_other, changed_at or new.updated_at), else_=contacts.c.updated_at)
    return insert.on_conflict_do_update(
        index_elements=["customer_id", "channel"],
        set_={"address": new.address, "timezone": new.timezone, "updated_at": since},
        where=and_(is_change, is_newer),
    )


def _values(row: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    names = ("customer_id", "channel", "address", "timezone")
    return {**{name: row[name] for name in names}, "updated_at": row["since"] or as_of}


def _customer_and_channel(row: dict[str, Any]) -> tuple[str | None, str | None]:
    return row["customer_id"], row["channel"]


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[Rows]:
    while chunk := [*islice(rows, _ROWS)]:
        yield chunk
