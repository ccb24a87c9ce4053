"""A real SMTP server on loopback that keeps what it takes, and misbehaves on request."""

import email
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from outbox.channels.mail import MailBuilder
from outbox.channels.smtp import SmtpChannel, SmtpServer


@dataclass
class MailSink:
    """Answers to commands, and the e-mails taken.

    Attributes:
        recipients: the answer to RCPT by address; 250 by default.
        data: the answer after the content.
        dies: whether the connection breaks after the content, before the answer.
        received: the e-mails taken, also those without an answer.
    """

    recipients: dict[str, str] = field(default_factory=dict)
    data: str = "250 2.0.0 OK"
    dies: bool = False
    received: list[EmailMessage] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.recipients.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content: Any = envelope.content
        if self.data.startswith("250"):
            self.received.append(email.message_from_bytes(content, policy=default))
        if self.dies and server.transport is not None:
            server.transport.abort()
        return self.data

    @property
    def addresses(self) -> list[str]:
        """The recipients of the e-mails taken, in order."""
        return [str(mail["To"]) for mail in self.received]

    def channel(self, **seconds: float) -> SmtpChannel:
        """A channel to this server."""
        server = SmtpServer("127.0.0.1", self.port, None, "", "offered")
        return SmtpChannel(server, MailBuilder("Shop <news@shop.example>"), **seconds)


class _AnyPort(Controller):
    """Learns its port before it checks that it answers."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_sink(**options: Any) -> Iterator[MailSink]:
    """Start the server on a free port, with options of aiosmtpd's controller."""
    sink = MailSink()
    controller = _AnyPort(sink, hostname="127.0.0.1", port=0, **options)
    controller.start()
    sink.port = controller.port
    try:
        yield sink
    finally:
        controller.stop()
