"""Look at the store's rows."""

from typing import Any

from sqlalchemy import select

from outbox.store import Store
from outbox.tables import messages


def message_of(store: Store, customer_id: str) -> dict[str, Any]:
    """The only message of a customer."""
    with store.read() as connection:
        found = connection.execute(select(messages).where(messages.c.customer_id == customer_id)).mappings().one()
        return dict(found)


def states(store: Store) -> dict[str, tuple[str, str]]:
    """State and reason of the only message of each customer."""
    with store.read() as connection:
        rows = connection.execute(select(messages.c.customer_id, messages.c.state, messages.c.reason)).all()
    assert len({row[0] for row in rows}) == len(rows)
    return {customer_id: (state, reason) for customer_id, state, reason in rows}
