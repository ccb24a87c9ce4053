"""The SMTP server keeps what the outbox's sender hands over, and answers only when it is stored."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.mail_sink.received import ReceivedMail
from local.mail_sink.smtp import listen
from outbox.channels.channel import Accepted, Outgoing, TemporaryFailure
from outbox.channels.mail import MailBuilder
from outbox.channels.smtp import SmtpChannel, server_of

OUTGOING = Outgoing(
    *("m1", "new-for-you", "1", "email", "customer-1@demo.invalid", "Grüße", "Text", "<p>HTML</p>"),
    unsubscribe_url="http://127.0.0.1:3000/unsubscribe?token=abc",
)


@pytest.fixture
def received(tmp_path: Path) -> ReceivedMail:
    return ReceivedMail(tmp_path / "mail")


@pytest.fixture
def channel(received: ReceivedMail) -> Iterator[SmtpChannel]:
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(listen(received, 0))
    host, port = server.sockets[0].getsockname()
    assert host == "127.0.0.1"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    channel = SmtpChannel(server_of(f"smtp://127.0.0.1:{port}"), MailBuilder("Shop <news@demo.invalid>"))
    yield channel
    channel.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.close()


def test_a_message_is_kept_whole(channel: SmtpChannel, received: ReceivedMail) -> None:
    assert isinstance(channel.deliver(OUTGOING), Accepted)
    [found], _ = received.newest(0, 5)
    assert (found.recipient, found.subject) == ("customer-1@demo.invalid", "Grüße")
    message = received.read(found.name)
    assert message is not None
    assert message["List-Unsubscribe"] == f"<{OUTGOING.unsubscribe_url}>"
    html = message.get_body(("html",))
    assert html is not None
    assert "<p>HTML</p>" in html.get_content()


def test_a_message_that_is_not_stored_is_to_be_sent_again(
    channel: SmtpChannel, received: ReceivedMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_content: bytes) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(received, "keep", full)
    assert isinstance(channel.deliver(OUTGOING), TemporaryFailure)
