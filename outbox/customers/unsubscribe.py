"""Make and redeem one-click unsubscribe tokens (RFC 8058).

A token is a message's id and an HMAC over it, so neither a customer's id nor an address is in a link or in a log.
"""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

from sqlalchemy import select

from core.clock import utc_now
from outbox.errors import DeliveryError, TokenError
from outbox.store import Store
from outbox.tables import consents, messages

MIN_KEY_BYTES = 32
SOURCE = "unsubscribe"
_SIGNED_BYTES = 18


class UnsubscribeLinks:
    """Addresses for one-click unsubscription.

    Args:
        url: REACH_UNSUBSCRIBE_URL, such as https://shop.example/unsubscribe; it takes GET and POST.
        key: REACH_UNSUBSCRIBE_KEY.

    Raises:
        DeliveryError: The address or the key cannot be used.
    """

    def __init__(self, url: str, key: str):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise DeliveryError(
                "REACH_UNSUBSCRIBE_URL is not an address such as https://shop.example/unsubscribe, without '?' and '#'."
            )
        if len(key.encode()) < MIN_KEY_BYTES:
            raise DeliveryError(
                f"REACH_UNSUBSCRIBE_KEY has fewer than {MIN_KEY_BYTES} bytes. Create one: "
                'python -c "import secrets; print(secrets.token_urlsafe(48))"'
            )
        self._url = url
        self._key = key

    def of(self, message_id: str) -> str:
        """Return the address for one message."""
        return f"{self._url}?token={token_of(message_id, self._key)}"


def token_of(message_id: str, key: str) -> str:
    """Return the token of a message."""
    digest = hmac.digest(key.encode(), f"unsubscribe:{message_id}".encode(), hashlib.sha256)[:_SIGNED_BYTES]
    return f"{message_id}.{base64.urlsafe_b64encode(digest).decode()}"


def is_signed(token: str, key: str) -> bool:
    """Return whether a token was signed with a key; this reads no store."""
    return hmac.compare_digest(token.encode(), token_of(token.rpartition(".")[0], key).encode())


def redeem(store: Store, token: str, key: str) -> None:
    """Withdraw the customer's consent to the purpose of the token's message, on its channel.

    A second use changes nothing. The message of an erased customer has no consent left to withdraw.

    Raises:
        TokenError: The token is damaged, or was signed with another key.
        StoreError: The store cannot be written; nothing was withdrawn.
    """
    message_id = token.rpartition(".")[0]
    if not is_signed(token, key):
        raise TokenError(
            "The unsubscribe token is damaged or was signed with another key. Use the link of the message."
        )
    columns = (messages.c.customer_id, messages.c.channel, messages.c.purpose)
    with store.write("people") as connection:
        found = connection.execute(select(*columns).where(messages.c.message_id == message_id)).mappings().first()
        if found is None:
            raise TokenError("The message of this unsubscribe token is not in the outbox. Use the link of the message.")
        latest = connection.execute(
            select(consents.c.granted)
            .where(*(consents.c[name] == found[name] for name in found))
            .order_by(consents.c.since.desc(), consents.c.granted)
            .limit(1)
        ).scalar()
        if latest:
            row = {**found, "granted": False, "since": utc_now(), "source": SOURCE}
            connection.execute(store.insert_new(consents), row)
