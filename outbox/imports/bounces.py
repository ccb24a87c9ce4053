"""Import bounces: a hard one puts the customers of the address on the suppression list, until the address changes."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from outbox.customers.records import put_on_list
from outbox.imports.result import Imported, Rows
from outbox.store import Store
from outbox.tables import HARD_BOUNCE, contacts


def import_bounces(store: Store, rows: Rows, result: Imported) -> None:
    """Put the customers of hard bounces on the suppression list.

    Args:
        store: the opened store, with the present addresses.
        rows: with customer_id or address, channel, kind and bounced_at.
        result: counts what changed.

    Raises:
        StoreError: The store cannot be written.
    """
    soft = [row for row in rows if row["kind"] == "soft"]
    hard = [row for row in rows if row["kind"] == "hard" and row["channel"] and row["bounced_at"]]
    result.leave_out("bounce_soft", len(soft))
    result.leave_out("bounce_unclear", len(rows) - len(soft) - len(hard))
    with store.write("people") as connection:
        found = [*_customers(connection, hard, result)]
        result.hard_bounces += put_on_list(store, connection, result.without_erased(connection, found))


def _customers(connection: Connection, hard: Rows, result: Imported) -> Iterator[dict[str, Any]]:
    """Yield rows of the suppression list for customers whose present address came back."""
    owners, present = _present(connection, hard)
    for row in hard:
        channel, customer_id, address = row["channel"], row["customer_id"], row["address"]
        if customer_id is None:
            customers = owners.get(_key(channel, address or ""), [])
        elif address is None or present.get((customer_id, channel), _key(channel, address)) == _key(channel, address):
            customers = [customer_id]
        else:
            customers = []
        if not customers:
            result.leave_out("bounce_of_no_present_address")
        for each in customers:
            yield {"customer_id": each, "channel": channel, "reason": HARD_BOUNCE, "since": row["bounced_at"]}


def _present(
    connection: Connection, hard: Rows
) -> tuple[dict[tuple[str, str], list[str]], dict[tuple[str, str], tuple[str, str]]]:
    """Return the customers of each address that bounced, and the addresses of each customer that a row names."""
    owners: dict[tuple[str, str], list[str]] = {}
    present: dict[tuple[str, str], tuple[str, str]] = {}
    bounced = {_key(row["channel"], row["address"]) for row in hard if row["address"]}
    named = {(row["customer_id"], row["channel"]) for row in hard}
    if bounced:
        for row in connection.execute(select(contacts.c.customer_id, contacts.c.channel, contacts.c.address)):
            key = _key(row.channel, row.address)
            if key in bounced:
                owners.setdefault(key, []).append(row.customer_id)
            if (row.customer_id, row.channel) in named:
                present[row.customer_id, row.channel] = key
    return owners, present


def _key(channel: str, address: str) -> tuple[str, str]:
    return channel, address.strip().casefold()
