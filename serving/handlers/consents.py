"""Answer `POST /consents`: store what a customer answered about being contacted, before the sender asks again."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.clock import utc_now
from core.limits import EARLIEST_DAY
from events.fields import ID, Id, UtcDatetime
from marketing.campaigns.policy.contact_policy import load_contact_policy
from marketing.errors import MarketingError
from outbox.customers.records import Consent, record_consent
from outbox.errors import OutboxError
from outbox.store import Store
from serving.api.validation import ApiRequest
from serving.config import ServiceConfig
from serving.errors import ConsentsUnavailableError, FutureEventError, UnknownPurposeError
from serving.handlers.events import MAX_CLOCK_SKEW

logger = logging.getLogger("reach.serving")

SOURCE = "service"

Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ConsentRequest(ApiRequest):
    """Report a customer's yes or no to one purpose on one channel."""

    SCOPE: ClassVar = "marketing"
    USES_SCORING_SLOT: ClassVar = False  # a withdrawal is accepted also while requests for lists are rejected
    ERRORS: ClassVar = (UnknownPurposeError, FutureEventError, ConsentsUnavailableError)
    EXAMPLE: ClassVar = {"customer_id": "1250", "channel": "email", "purpose": "marketing", "granted": False}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    customer_id: Id = Field(description=f"The shop's id of the customer. Allowed: {ID}.")
    channel: Name = Field(description="How the customer is reached. Allowed: a channel of the contact policy.")
    purpose: Name = Field(description="The aim of the messages. Allowed: a purpose of the contact policy.")
    granted: bool = Field(strict=True, description="The answer: a yes or a no. Allowed: true or false.")
    since: UtcDatetime | None = Field(
        None,
        description="When the customer answered. Null: now. Allowed: a time with its offset, as 2018-01-01T17:30:00Z, "
        "or null.",
    )


class ConsentResponse(BaseModel):
    """Return the answer that counts from now on; it is on disk when this is sent."""

    granted: bool = Field(description="Whether messages of this purpose may be sent on this channel.")
    since: datetime = Field(description="When the customer gave the answer that counts: the newest one.")


class ConsentsHandler:
    """Store consents in the outbox, whose senders read them again before each message.

    Args:
        open_store: Opens the outbox's store; called once, with the first request.
        policy: The shop's contact policy; None for the packaged one.
        config: Limits how long a request waits for the store.
    """

    def __init__(self, open_store: Callable[[], Store], policy: Path | None, config: ServiceConfig):
        self._open_store = open_store
        self._policy = policy
        self._config = config
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="consents")

    async def record(self, body: ConsentRequest) -> ConsentResponse:
        """Store an answer, and return the one that counts.

        Raises:
            UnknownPurposeError: The contact policy does not have the channel or the purpose.
            FutureEventError: The answer lies in the future, or before `EARLIEST_DAY`.
            ConsentsUnavailableError: The answer may be lost. It must be sent again, which is safe.
        """
        now = utc_now()
        since = now if body.since is None else body.since.astimezone(UTC).replace(tzinfo=None)
        if since > now + MAX_CLOCK_SKEW or since.date() < EARLIEST_DAY:
            raise FutureEventError(
                f"'since' lies more than {MAX_CLOCK_SKEW.seconds // 60} minutes in the future or before "
                f"{EARLIEST_DAY}; nothing was stored. Set the sender's clock, or leave 'since' out: it means now."
            )
        # A clock that runs ahead must not outdo the customer's next answer.
        row = Consent(body.customer_id, body.channel, body.purpose, body.granted, min(since, now), SOURCE)
        loop = asyncio.get_running_loop()
        try:
            stored = loop.run_in_executor(self._thread, self._write, row)
            counts = await asyncio.wait_for(stored, self._config.event_commit_timeout_s)
        except (OutboxError, MarketingError, TimeoutError) as error:
            logger.error("A consent was not acknowledged. %s", error or "The outbox is too slow.")
            raise ConsentsUnavailableError(
                "The answer could not be stored. Send it again: an answer that was stored counts once."
            ) from error
        return ConsentResponse(granted=counts.granted, since=counts.since.replace(tzinfo=UTC))

    def _write(self, row: Consent) -> Consent:
        policy = load_contact_policy(self._policy)
        for name, value, allowed in (
            ("channel", row.channel, sorted(policy.channels)),
            ("purpose", row.purpose, sorted(policy.purposes)),
        ):
            if value not in allowed:
                names = " or ".join(repr(each) for each in allowed)
                raise UnknownPurposeError(f"'{name}': expected {names}, as in the contact policy. Nothing was stored.")
        if self._store is None:
            self._store = self._open_store()
        return record_consent(self._store, row)
