"""Count messages by state and reason, and name those in doubt."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from core.clock import utc_now
from outbox.store import Store
from outbox.switches import PAUSE, STOP
from outbox.tables import INCOMPLETE, WAITING, controls, decisions, messages, plans

SHOWN = 100
"""Rows in doubt that are listed by name."""


def status(store: Store, now: datetime | None = None) -> dict[str, Any]:
    """Return counts per state and reason, what is due, and the messages in doubt by id.

    Raises:
        StoreError: The store cannot be read.
    """
    key = (messages.c.state, messages.c.reason)
    outcome = (decisions.c.outcome, decisions.c.reason)
    with store.read() as connection:
        counted = connection.execute(select(*key, func.count()).group_by(*key).order_by(*key)).all()
        decided = connection.execute(select(*outcome, func.count()).group_by(*outcome).order_by(*outcome)).all()
        return {
            "messages": _nested(counted),
            "decisions": _nested(decided),
            **_open_points(connection, now or utc_now()),
        }


def open_points(store: Store, now: datetime | None = None) -> dict[str, Any]:
    """Return what `status` returns without its counts, which read every message and decision.

    Raises:
        StoreError: The store cannot be read.
    """
    with store.read() as connection:
        return _open_points(connection, now or utc_now())


def _open_points(connection: Connection, instant: datetime) -> dict[str, Any]:
    due = connection.execute(select(func.count()).where(WAITING, messages.c.due_at <= instant)).scalar_one()
    next_due = connection.execute(select(func.min(messages.c.due_at)).where(WAITING)).scalar()
    names = ("message_id", "campaign_id", "reason", "detail", "sending_at")
    doubtful = connection.execute(
        select(*(messages.c[name] for name in names))
        .where(messages.c.state == "in_doubt")
        .order_by(messages.c.sending_at)
        .limit(SHOWN)
    ).mappings()
    in_doubt = [{**row, "sending_at": row["sending_at"].isoformat()} for row in doubtful]
    incomplete = connection.execute(select(plans.c.plan_id).where(INCOMPLETE).order_by(plans.c.plan_id)).scalars()
    unfinished = list(incomplete)
    on = {row["name"]: row for row in connection.execute(select(controls)).mappings()}
    return {
        "due": due,
        "next_due": next_due.isoformat() if next_due else None,
        "in_doubt": in_doubt,
        "incomplete_plans": unfinished,
        "paused": _switch(on[PAUSE]) if PAUSE in on else None,
        "stopped_campaigns": {
            name.removeprefix(STOP): _switch(row) for name, row in sorted(on.items()) if name.startswith(STOP)
        },
    }


def _switch(row: Any) -> dict[str, str]:
    return {"reason": row["reason"], "since": row["since"].isoformat()}


def _nested(rows: Any) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for state, reason, count in rows:
        found.setdefault(state, {})[reason] = count
    return found
