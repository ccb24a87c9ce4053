"""Define what a delivery's outcome makes of a message, and when it is tried again."""

from datetime import datetime, timedelta
from typing import Any

from outbox.channels.channel import Accepted, Outcome, Refused, TemporaryFailure, Unknown
from outbox.plan import Delivery

OWNER_DIED, CONNECTION_LOST, CHANNEL_DOWN = "owner_died", "connection_lost", "channel_down"
TEMPORARY_FAILURE, REFUSED = "temporary_failure", "refused"

RETRIES: dict[Delivery, tuple[timedelta, ...]] = {
    "smtp": tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360)),
    # Together 24 hours.
    "webhook": tuple(timedelta(seconds=s) for s in (5, 60, 300, 1_800, 7_200, 14_400, 28_800, 33_835)),
    "export": (),
}
"""Waiting times before each further attempt; after the last one the message has failed."""

NO_OWNER: dict[str, Any] = {"owner": None, "sending_at": None}
NO_SLOT: dict[str, Any] = {"local_day": None, "day_slot": None, "cap_per_day": None}


def changes_after(row: dict[str, Any], outcome: Outcome, now: datetime, resend_in_doubt: bool) -> dict[str, Any]:
    """Return the changes to the row of a message whose delivery has ended.

    Args:
        row: the row of `messages`, with the attempt that has ended counted.
        outcome: how it ended.
        now: the present instant.
        resend_in_doubt: whether an e-mail that may have arrived is sent again.
    """
    detail = outcome.detail
    match outcome:
        case Accepted():
            return {"state": "sent", "reason": "", "detail": detail, "settled_at": now}
        case Refused():
            return {"state": "refused", "reason": REFUSED, "detail": detail, "settled_at": now, **NO_SLOT}
        case Unknown() if row["delivery"] == "smtp" and not resend_in_doubt:
            return {"state": "in_doubt", "reason": CONNECTION_LOST, "detail": detail, "settled_at": now}
        case TemporaryFailure(is_of_message=False):
            back = {
                "state": "planned",
                "reason": CHANNEL_DOWN,
                "detail": detail,
                "attempts": row["attempts"] - 1,
            }
            return {**back, **NO_SLOT, **NO_OWNER}
    return {**another_attempt(row, now), "detail": detail}


def another_attempt(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the changes that put a message back for its next attempt, or end its attempts."""
    waits = RETRIES[row["delivery"]]
    number = row["attempts"]
    due_at = now + waits[number - 1] if number <= len(waits) else None
    if due_at is None or due_at > row["not_after"]:
        return {"state": "failed", "reason": TEMPORARY_FAILURE, "settled_at": now, **NO_SLOT}
    return {"state": "planned", "reason": TEMPORARY_FAILURE, "due_at": due_at, **NO_SLOT, **NO_OWNER}
