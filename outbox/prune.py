"""Delete the texts of old messages; the messages themselves stay, because caps and results count them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, select, update

from core.clock import utc_now
from outbox.store import Store
from outbox.tables import contents, messages

DAYS_KEPT = 180
"""Days for which customers may ask about a message."""

NEEDED = ("planned", "sending", "in_doubt")
"""States of messages that may still be sent, so their texts stay."""


@dataclass(frozen=True)
class Pruned:
    """Count what was deleted: texts, and the messages that had them."""

    texts: int
    messages: int


def prune(store: Store, days: int = DAYS_KEPT, now: datetime | None = None) -> Pruned:
    """Delete texts that only messages settled more than `days` days ago had.

    Raises:
        StoreError: The store cannot be written; nothing was deleted.
    """
    before = (now or utc_now()) - timedelta(days=days)
    is_old = (messages.c.settled_at < before, messages.c.state.not_in(NEEDED), messages.c.content_hash.is_not(None))
    with store.write("plan") as connection:
        # A plan stores its texts before its messages, in one transaction of the same kind, so no text is new here.
        released = connection.execute(update(messages).where(*is_old).values({"content_hash": None})).rowcount
        unused = ~exists().where(messages.c.content_hash == contents.c.content_hash)
        count = connection.execute(select(func.count()).select_from(contents).where(unused)).scalar_one()
        connection.execute(delete(contents).where(unused))
    return Pruned(count, released)
