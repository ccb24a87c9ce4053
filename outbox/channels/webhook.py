"""Deliver messages to an HTTP endpoint, signed as Standard Webhooks describes.

The id stays the same over all attempts, so a receiver that ignores repeated ids gets every message once.
"""

import base64
import binascii
import json
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from outbox.channels.channel import Accepted, Outcome, Outgoing, Refused, TemporaryFailure, personal
from outbox.errors import DeliveryError

TIMEOUT_SECONDS = 15.0
EVENT_TYPE = "message.send"
GONE = 410
"""The receiver asks for no further deliveries of this message."""


def signer_of(secret: str) -> Webhook:
    """Return the signer for REACH_WEBHOOK_SECRET.

    Raises:
        DeliveryError: The secret is not Base64 of at least 24 bytes.
    """
    try:
        is_long_enough = len(base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False)) >= 24
    except binascii.Error:
        is_long_enough = False
    if not is_long_enough:
        raise DeliveryError(
            "REACH_WEBHOOK_SECRET is not 'whsec_' with Base64 of at least 24 bytes. Create one: "
            "python -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""
        )
    return Webhook(secret)


class WebhookChannel:
    """Posts messages as JSON.

    Args:
        url: REACH_WEBHOOK_URL.
        signer: signs them.
        timeout_seconds: for connecting, and between two parts of an answer.
    """

    def __init__(self, url: str, signer: Webhook, timeout_seconds: float = TIMEOUT_SECONDS):
        self._url = url
        self._signer = signer
        # The environment's proxies and netrc are left out: the address is the whole configuration.
        self._client = httpx.Client(timeout=timeout_seconds, follow_redirects=False, trust_env=False)

    def deliver(self, outgoing: Outgoing) -> Outcome:
        """Post one message; any answer but 2xx and 410 is tried again later."""
        now = datetime.now(UTC)
        body = json.dumps({"type": EVENT_TYPE, "timestamp": now.isoformat(), "data": _data(outgoing)})
        headers = {
            "content-type": "application/json",
            "webhook-id": outgoing.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(outgoing.message_id, now, body),
        }
        try:
            status = self._client.post(self._url, content=body, headers=headers).status_code
        except httpx.HTTPError as error:
            is_down = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            return TemporaryFailure(type(error).__name__, is_of_message=not is_down)
        if 200 <= status < 300:
            return Accepted(str(status))
        return Refused(str(status)) if status == GONE else TemporaryFailure(str(status))

    def close(self) -> None:
        """Close connections."""
        self._client.close()


def _data(outgoing: Outgoing) -> dict[str, str | None]:
    url, html = outgoing.unsubscribe_url, outgoing.body_html
    return {
        "message_id": outgoing.message_id,
        "campaign_id": outgoing.campaign_id,
        "customer_id": outgoing.customer_id,
        "channel": outgoing.channel,
        "address": outgoing.address,
        "subject": outgoing.subject,
        "text": personal(outgoing.body_text, outgoing.message_id, url),
        "html": None if html is None else personal(html, outgoing.message_id, url),
        "unsubscribe_url": url,
    }
