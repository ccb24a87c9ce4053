"""Turn the switches that senders ask before each message: the pause of all, and the stop of one campaign."""

from sqlalchemy import delete, select, update

from core.clock import utc_now
from outbox.store import Store
from outbox.tables import WAITING, controls, messages

PAUSE = "pause"
STOP = "stop:"
"""Followed by the campaign's id."""

RESTARTED = "restarted:"
"""Followed by the campaign's id: since when its limits count again."""

CAMPAIGN_STOPPED = "campaign_stopped"


def pause(store: Store, reason: str) -> None:
    """Stop every sender before its next message; a pause that is on keeps its reason.

    Raises:
        StoreError: The store cannot be written.
    """
    with store.write("people") as connection:
        connection.execute(store.insert_new(controls), {"name": PAUSE, "reason": reason, "since": utc_now()})


def resume(store: Store) -> bool:
    """Let senders continue; return whether the pause was on.

    Raises:
        StoreError: The store cannot be written.
    """
    with store.write("people") as connection:
        return connection.execute(delete(controls).where(controls.c.name == PAUSE)).rowcount > 0


def stop_campaign(store: Store, campaign_id: str, reason: str) -> int:
    """Suppress a campaign's waiting messages and those that are planned later; return how many waited.

    Raises:
        StoreError: The store cannot be written; nothing was stopped.
    """
    now = utc_now()
    with store.write("send") as connection:
        row = {"name": f"{STOP}{campaign_id}", "reason": reason, "since": now}
        connection.execute(store.insert_new(controls), row)
        stopped = {"state": "suppressed", "reason": CAMPAIGN_STOPPED, "detail": reason, "settled_at": now}
        of_campaign = (WAITING, messages.c.campaign_id == campaign_id)
        return connection.execute(update(messages).where(*of_campaign).values(stopped)).rowcount


def restart_campaign(store: Store, campaign_id: str) -> bool:
    """Let later plans of a campaign send again; suppressed messages stay so. Return whether it was stopped.

    Its limits (`stop` in its file) count only messages that leave from now on.

    Raises:
        StoreError: The store cannot be written.
    """
    row = {"name": f"{RESTARTED}{campaign_id}", "reason": "restarted", "since": utc_now()}
    with store.write("people") as connection:
        stopped = connection.execute(delete(controls).where(controls.c.name == f"{STOP}{campaign_id}")).rowcount > 0
        if stopped:
            connection.execute(delete(controls).where(controls.c.name == row["name"]))
            connection.execute(controls.insert(), row)
    return stopped


def stopped_campaigns(store: Store) -> dict[str, str]:
    """Return the reason of each stopped campaign, by id.

    Raises:
        StoreError: The store cannot be read.
    """
    query = select(controls.c.name, controls.c.reason).where(controls.c.name.startswith(STOP)).order_by(controls.c.name)
    with store.read() as connection:
        return {name.removeprefix(STOP): reason for name, reason in connection.execute(query)}
