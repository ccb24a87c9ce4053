"""`POST /events`: what it takes and gives, and how a batch gets into the journal."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from core.clock import utc_now
from core.limits import EARLIEST_DAY, MAX_PRICE, MAX_UNITS
from events.errors import LiveError
from events.records import EVENT_TYPES, Event
from serving.api.fields import ID
from serving.api.validation import ApiRequest
from serving.config import ServiceConfig
from serving.errors import EventsUnavailableError, FutureEventError
from serving.metrics import Metrics

logger = logging.getLogger("reach.serving")

MAX_EVENTS = 500

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""How far the sender's clock may be ahead of this one."""


class EventsRequest(ApiRequest):
    """A batch of events: kept as a whole or not at all."""

    SCOPE: ClassVar = "events"
    USES_SCORING_SLOT: ClassVar = False  # what happened is not turned away because many ask for lists
    MAX_BYTES: ClassVar = 1_048_576
    ERRORS: ClassVar = (FutureEventError, EventsUnavailableError)
    FIELD_HELP: ClassVar = {
        "events": f"a list of 1 to {MAX_EVENTS} events",
        "events.event_id": f"{ID}; yours, and another one for every event",
        "events.customer_id": ID,
        "events.product_id": ID,
        "events.event_type": f"one of {', '.join(EVENT_TYPES)}",
        "events.occurred_at": "a time with its offset, as 2018-01-01T17:30:00Z, that has passed",
        "events.request_id": "the request_id of an answer, or null",
        "events.quantity": f"a number above 0, at most {MAX_UNITS}, or null",
        "events.price": f"a number from 0 to {MAX_PRICE}, for one unit, or null",
    }
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

    events: list[Event] = Field(min_length=1, max_length=MAX_EVENTS, description="What happened, in any order.")


class EventsResponse(BaseModel):
    """What became of a batch; it is on disk when this is sent."""

    accepted: int = Field(description="Events that are new.")
    duplicates: int = Field(description="Events whose event_id is known: nothing was changed by them.")


class EventAppender(Protocol):
    """The journal's side that takes events."""

    def append(self, events: Sequence[Event]) -> Future[list[bool]]: ...


class EventsHandler:
    """Takes batches to the journal and waits until they are safe."""

    def __init__(self, journal: EventAppender, config: ServiceConfig, metrics: Metrics):
        self._journal = journal
        self._config = config
        self._metrics = metrics

    async def ingest(self, request: EventsRequest) -> EventsResponse:
        """Keep a batch.

        Raises FutureEventError if an event lies in the future or before any shop's time, and EventsUnavailableError if
        the batch may be lost: it must be sent again, and may safely be.
        """
        early = [place for place, event in enumerate(request.events) if event.occurred_at.date() < EARLIEST_DAY]
        if early:
            raise FutureEventError(
                f"'events[{early[0]}].occurred_at' lies before {EARLIEST_DAY}; nothing of the batch was kept. "
                "Set the sender's clock and send the event with the time at which it happened."
            )
        ahead = [place for place, event in enumerate(request.events) if event.occurred_at > utc_now() + MAX_CLOCK_SKEW]
        if ahead:
            raise FutureEventError(
                f"'events[{ahead[0]}].occurred_at' lies more than {MAX_CLOCK_SKEW.seconds // 60} minutes "
                "in the future; nothing of the batch was kept. "
                "Set the sender's clock, or send the event when it has happened."
            )
        try:
            waiting = asyncio.wrap_future(self._journal.append(request.events))
            is_new = await asyncio.wait_for(waiting, self._config.event_commit_timeout_s)
        except (LiveError, TimeoutError) as error:
            self._metrics.events.labels("failed").inc(len(request.events))
            logger.error(
                "%d events were not acknowledged. %s", len(request.events), error or "The journal is too slow."
            )
            raise EventsUnavailableError(
                "The events could not be kept just now. Send the same batch again: what was kept counts once."
            ) from error
        accepted = sum(is_new)
        self._metrics.events.labels("accepted").inc(accepted)
        self._metrics.events.labels("duplicate").inc(len(is_new) - accepted)
        return EventsResponse(accepted=accepted, duplicates=len(is_new) - accepted)
