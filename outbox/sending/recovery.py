"""Settle the messages of senders that have died."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from outbox.sending.outcomes import OWNER_DIED, another_attempt
from outbox.store import Store
from outbox.tables import UNDER_WAY, messages


def recover(store: Store, dead: Sequence[str], now: datetime, resend_in_doubt: bool) -> dict[str, int]:
    """Settle what senders that have died left in state `sending`.

    A message over SMTP is in doubt, unless it is to be sent again. A webhook's receiver ignores the second of two
    deliveries with one id, so it is delivered again.

    Raises:
        StoreError: The store cannot be used; nothing was changed.
    """
    count = {"in_doubt": 0, "planned": 0, "failed": 0}
    with store.write("send") as connection:
        # A file that was published is a fact: `Exporter.recover` looks at it.
        of_dead = (UNDER_WAY, messages.c.owner.in_(dead), messages.c.delivery != "export")
        rows = connection.execute(select(messages).where(*of_dead))
        for message in rows.all():
            row = dict(message._mapping)
            if row["delivery"] == "smtp" and not resend_in_doubt:
                changes = {"state": "in_doubt", "reason": OWNER_DIED, "settled_at": now}
            else:
                changes = {**another_attempt(row, now), "detail": OWNER_DIED}
            change(connection, row, **changes)
            count[str(changes["state"])] += 1
    return count


def owners(store: Store, but: str) -> list[str]:
    """Return the senders with messages in state `sending`, without the one named `but`.

    Raises:
        StoreError: The store cannot be read.
    """
    query = select(messages.c.owner).where(UNDER_WAY, messages.c.owner != but).distinct()
    with store.read() as connection:
        return [str(owner) for owner in connection.execute(query).scalars()]


def change(connection: Connection, row: dict[str, Any], **values: Any) -> None:
    """Change one message."""
    connection.execute(update(messages).where(messages.c.message_id == row["message_id"]).values(values))
