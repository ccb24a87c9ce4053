"""Define how a delivery can end, and what a channel must do."""

from dataclasses import dataclass
from typing import Protocol

from outbox.plan import MESSAGE_ID, UNSUBSCRIBE_URL


@dataclass(frozen=True)
class Outgoing:
    """A message as a channel gets it; `repr` shows no customer, address or content.

    Attributes:
        message_id: stable over all attempts.
        campaign_id: the campaign.
        customer_id: the customer.
        channel: how the customer is reached, such as 'email'.
        address: where it goes.
        subject: one line.
        body_text: plain text.
        body_html: HTML, or None.
        unsubscribe_url: the customer's own address for one-click unsubscription, or None for a message without consent.
    """

    message_id: str
    campaign_id: str
    customer_id: str
    channel: str
    address: str
    subject: str
    body_text: str
    body_html: str | None
    unsubscribe_url: str | None

    def __repr__(self) -> str:
        return f"Outgoing({self.message_id})"


@dataclass(frozen=True)
class Accepted:
    """The receiver took the message."""

    detail: str = ""


@dataclass(frozen=True)
class TemporaryFailure:
    """The message was not taken, but may be later.

    Attributes:
        detail: a code, without text of the receiver, which may contain an address.
        is_of_message: False if the channel itself is down, so other messages would fail too.
    """

    detail: str
    is_of_message: bool = True


@dataclass(frozen=True)
class Refused:
    """The message will never be taken; after a hard bounce the address gets no other one."""

    detail: str
    is_hard_bounce: bool = False


@dataclass(frozen=True)
class Unknown:
    """The connection broke after the message was handed over: it may have been taken."""

    detail: str


Outcome = Accepted | TemporaryFailure | Refused | Unknown


class Channel(Protocol):
    """Delivers messages, one at a time; not shared between threads."""

    def deliver(self, outgoing: Outgoing) -> Outcome:
        """Deliver one message; every failure is an outcome, no exception."""

    def close(self) -> None:
        """Close connections."""


def personal(text: str, message_id: str, unsubscribe_url: str | None) -> str:
    """Return a body with the message's id for `MESSAGE_ID`, and the customer's address for `UNSUBSCRIBE_URL`."""
    found = text.replace(MESSAGE_ID, message_id)
    return found.replace(UNSUBSCRIBE_URL, unsubscribe_url) if unsubscribe_url else found
