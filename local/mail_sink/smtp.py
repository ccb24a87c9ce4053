"""Take messages by SMTP on loopback, and deliver none."""

import asyncio
import logging

from aiosmtpd.smtp import SMTP, Envelope, Session

from local.mail_sink.received import ReceivedMail

LOOPBACK = "127.0.0.1"
MAX_BYTES = 10 * 1024**2

logger = logging.getLogger(__name__)


class KeepAll:
    """Store each message of any sender to any recipient.

    Args:
        received: where messages are stored.
    """

    def __init__(self, received: ReceivedMail) -> None:
        self._received = received

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer after the message is on disk; a disk that is full is a temporary failure."""
        content = envelope.original_content or b""
        try:
            await asyncio.to_thread(self._received.keep, content)
        except OSError as error:
            logger.error("A message could not be stored: %s", error.strerror)
            return "452 4.3.1 The message could not be stored"
        return "250 2.0.0 Kept by the demo's mail sink, which delivers nothing"


async def listen(received: ReceivedMail, port: int) -> asyncio.Server:
    """Start the server on loopback; port 0 is any free one.

    Raises:
        OSError: the port is taken.
    """
    handler = KeepAll(received)

    def connection() -> SMTP:
        return SMTP(handler, data_size_limit=MAX_BYTES, ident="mail sink of the demo", enable_SMTPUTF8=True)

    return await asyncio.get_running_loop().create_server(connection, LOOPBACK, port)
