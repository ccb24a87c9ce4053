"""Deliver e-mails over SMTP, with the stage at which a connection breaks.

Before the content is handed over, a broken connection is a temporary failure. From then until the server's answer it is
unknown whether the server took the message.
"""

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from urllib.parse import unquote, urlsplit

from outbox.channels.channel import Accepted, Outcome, Outgoing, Refused, TemporaryFailure, Unknown
from outbox.channels.mail import MailBuilder
from outbox.errors import DeliveryError

COMMAND_SECONDS = 30.0
FINAL_ANSWER_SECONDS = 600.0
"""RFC 5321, 4.5.3.2.6: a server may take ten minutes to answer after the content."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ENHANCED = re.compile(rb"^([245]\.\d{1,3}\.\d{1,3})\b")
_BOUNCE_CODES = (550, 551, 553)


@dataclass(frozen=True)
class SmtpServer:
    """Where e-mails are handed in.

    Attributes:
        host: its name.
        port: its port.
        user: for authentication, or None.
        password: for authentication.
        security: 'tls' from the first byte, 'starttls' required, or 'offered': STARTTLS if the server offers it.
    """

    host: str
    port: int
    user: str | None
    password: str
    security: str

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port})"


def server_of(url: str) -> SmtpServer:
    """Read REACH_SMTP_URL: `smtp://`, `smtp+starttls://` or `smtps://`, with `user:password@` if the server asks.

    Raises:
        DeliveryError: The address cannot be used.
    """
    kinds = {"smtp": ("offered", 25), "smtp+starttls": ("starttls", 587), "smtps": ("tls", 465)}
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise DeliveryError("The port in REACH_SMTP_URL is not a number from 1 to 65535.") from None
    if parts.scheme not in kinds or not parts.hostname:
        raise DeliveryError("REACH_SMTP_URL is not an address such as smtp+starttls://user:password@mail.example:587.")
    security, default_port = kinds[parts.scheme]
    user = unquote(parts.username) if parts.username else None
    if user and security == "offered" and parts.hostname not in _LOOPBACK:
        raise DeliveryError(
            "REACH_SMTP_URL would send its password without encryption. Write smtp+starttls:// or smtps://."
        )
    return SmtpServer(parts.hostname, port or default_port, user, unquote(parts.password or ""), security)


class SmtpChannel:
    """Hands e-mails to one server over one connection, which is kept between messages.

    Args:
        server: the server.
        builder: builds the e-mails.
        command_seconds: how long the server may take for a command.
        final_seconds: how long it may take for its answer after the content.
    """

    def __init__(
        self,
        server: SmtpServer,
        builder: MailBuilder,
        command_seconds: float = COMMAND_SECONDS,
        final_seconds: float = FINAL_ANSWER_SECONDS,
    ):
        self._server = server
        self._builder = builder
        self._command_seconds = command_seconds
        self._final_seconds = final_seconds
        self._connection: smtplib.SMTP | None = None

    def deliver(self, outgoing: Outgoing) -> Outcome:
        """Hand one e-mail to the server."""
        try:
            mail = self._builder.build(outgoing)
            content = mail.as_bytes()
            outgoing.address.encode("ascii")
        except (ValueError, MessageError, IndexError, LookupError) as error:
            # UnicodeEncodeError is a ValueError. The text of the error may hold the address.
            return Refused(f"message_invalid:{type(error).__name__}")
        reused = self._connection is not None
        outcome = self._envelope(outgoing)
        if isinstance(outcome, TemporaryFailure) and not outcome.is_of_message and reused:
            # The server has closed an idle connection, and nothing was handed over.
            outcome = self._envelope(outgoing)
        return outcome if outcome is not None else self._content(content)

    def close(self) -> None:
        """End the session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _envelope(self, outgoing: Outgoing) -> Outcome | None:
        """Announce sender and recipient; None means that the server waits for the content."""
        try:
            connection = self._connected()
            code, answer = connection.mail(self._builder.sender)
            if code != 250:
                return self._reset(TemporaryFailure(_code(code, answer), is_of_message=False))
            code, answer = connection.rcpt(outgoing.address)
            if code not in (250, 251):
                return self._reset(_failure(code, answer, is_recipient=True))
            code, answer = connection.docmd("DATA")
            if code != 354:
                return self._reset(_failure(code, answer))
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            detail = str(getattr(error, "smtp_code", type(error).__name__))
            return TemporaryFailure(detail, is_of_message=False)
        return None

    def _content(self, content: bytes) -> Outcome:
        """Hand over the content; from here on a broken connection is `Unknown`."""
        connection = self._connection
        assert connection is not None
        assert connection.sock is not None
        quoted = re.sub(rb"(?m)^\.", b"..", content)
        try:
            connection.sock.settimeout(self._final_seconds)
            # One call: a second small packet would wait for the acknowledgement of the first, 40 ms on Linux.
            connection.send((quoted if quoted.endswith(b"\r\n") else quoted + b"\r\n") + b".\r\n")
            code, answer = connection.getreply()
            connection.sock.settimeout(self._command_seconds)
        except (OSError, smtplib.SMTPException, AttributeError) as error:
            self._drop()
            return Unknown(type(error).__name__)
        if code == 250:
            return Accepted(_code(code, answer))
        return self._reset(_failure(code, answer))

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            server = self._server
            if server.security == "tls":
                context = ssl.create_default_context()
                found: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=self._command_seconds, context=context
                )
            else:
                found = smtplib.SMTP(server.host, server.port, timeout=self._command_seconds)
            try:
                found.ehlo_or_helo_if_needed()
                if server.security == "starttls" or (server.security == "offered" and found.has_extn("starttls")):
                    found.starttls(context=ssl.create_default_context())
                    found.ehlo()
                if server.user:
                    found.login(server.user, server.password)
            except BaseException:
                found.close()
                raise
            self._connection = found
        return self._connection

    def _reset(self, outcome: Outcome) -> Outcome:
        """Clear the server's envelope for the next message; drop the connection if that fails."""
        try:
            if self._connection is None or self._connection.rset()[0] != 250:
                self._drop()
        except (OSError, smtplib.SMTPException):
            self._drop()
        return outcome

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _failure(code: int, answer: bytes, is_recipient: bool = False) -> Outcome:
    detail = _code(code, answer)
    if code == 421:
        return TemporaryFailure(detail, is_of_message=False)
    if not 500 <= code < 600:
        return TemporaryFailure(detail)
    enhanced = detail.partition(" ")[2]
    bounced = enhanced.startswith(("5.1.", "5.2.1")) if enhanced else code in _BOUNCE_CODES
    return Refused(detail, is_hard_bounce=is_recipient and bounced)


def _code(code: int, answer: bytes) -> str:
    """Return the reply's codes without its text, in which servers repeat the address."""
    found = _ENHANCED.match(answer)
    return f"{code} {found[1].decode()}" if found else str(code)
