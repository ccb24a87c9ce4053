"""A message as a channel gets it."""

from typing import Any

from outbox.channels.channel import Outgoing


def outgoing(message_id: str = "m1", **changed: Any) -> Outgoing:
    """A message to a@shop.example."""
    values: dict[str, Any] = {
        "campaign_id": "c1",
        "customer_id": "a",
        "channel": "email",
        "address": "a@shop.example",
        "subject": "Hello",
        "body_text": "Text",
        "body_html": None,
        "unsubscribe_url": "https://shop.example/u?token=m1.x",
    }
    return Outgoing(message_id, **{**values, **changed})
