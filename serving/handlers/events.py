"""Answer `POST /events`: append a batch of events to the event log."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from core.clock import utc_now
from core.limits import EARLIEST_DAY
from events.errors import EventsError
from events.records import Event
from serving.api.validation import ApiRequest
from serving.config import ServiceConfig
from serving.errors import EventsUnavailableError, FutureEventError
from serving.metrics import Metrics

logger = logging.getLogger("reach.serving")

MAX_EVENTS = 500

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""How far the sender's clock may be ahead of the service's."""


class EventsRequest(ApiRequest):
    """Report a batch of events, which is stored whole or not at all."""

    SCOPE: ClassVar = "events"
    USES_SCORING_SLOT: ClassVar = False  # events are accepted also while requests for lists are rejected
    MAX_BYTES: ClassVar = 1_048_576
    ERRORS: ClassVar = (FutureEventError, EventsUnavailableError)
    EXAMPLE: ClassVar = {
        "events": [
            {
                "event_id": "till7-000123-1",
                "customer_id": "1250",
                "product_id": "1082185",
                "event_type": "purchase",
                "occurred_at": "2018-01-01T12:00:00Z",
                "quantity": 2,
                "price": 0.99,
            }
        ]
    }

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    events: list[Event] = Field(
        min_length=1,
        max_length=MAX_EVENTS,
        description=f"Events in any order. Allowed: a list of 1 to {MAX_EVENTS} events.",
    )


class EventsResponse(BaseModel):
    """Confirm a batch; it is on disk when this is sent."""

    accepted: int = Field(description="Events that are new.")
    duplicates: int = Field(description="Events with an event_id that was stored before; they changed nothing.")


class EventAppender(Protocol):
    """Append events to the event log."""

    def append(self, events: Sequence[Event]) -> Future[list[bool]]:
        """Return, once the events are committed, which of them are new."""
        ...


class EventsHandler:
    """Append batches to the event log, and wait until they are committed."""

    def __init__(self, event_log: EventAppender, config: ServiceConfig, metrics: Metrics):
        self._event_log = event_log
        self._config = config
        self._metrics = metrics

    async def ingest(self, body: EventsRequest) -> EventsResponse:
        """Commit a batch.

        Raises:
            FutureEventError: An event lies in the future, or before `EARLIEST_DAY`.
            EventsUnavailableError: The batch may be lost. It must be sent again, which is safe.
        """
        early = [index for index, event in enumerate(body.events) if event.occurred_at.date() < EARLIEST_DAY]
        if early:
            raise FutureEventError(
                f"'events[{early[0]}].occurred_at' lies before {EARLIEST_DAY}; nothing of the batch was stored. "
                "Set the sender's clock and send the event with the time at which it happened."
            )
        ahead = [index for index, event in enumerate(body.events) if event.occurred_at > utc_now() + MAX_CLOCK_SKEW]
        if ahead:
            raise FutureEventError(
                f"'events[{ahead[0]}].occurred_at' lies more than {MAX_CLOCK_SKEW.seconds // 60} minutes in the "
                "future; nothing of the batch was stored. Set the sender's clock, or send the event when it has "
                "happened."
            )
        try:
            committed = asyncio.wrap_future(self._event_log.append(body.events))
            is_new = await asyncio.wait_for(committed, self._config.event_commit_timeout_s)
        except (EventsError, TimeoutError) as error:
            self._metrics.events.labels("failed").inc(len(body.events))
            logger.error("%d events were not acknowledged. %s", len(body.events), error or "The event log is too slow.")
            raise EventsUnavailableError(
                "The events could not be stored. Send the same batch again: events that were stored count once."
            ) from error
        accepted = sum(is_new)
        self._metrics.events.labels("accepted").inc(accepted)
        self._metrics.events.labels("duplicate").inc(len(is_new) - accepted)
        return EventsResponse(accepted=accepted, duplicates=len(is_new) - accepted)
