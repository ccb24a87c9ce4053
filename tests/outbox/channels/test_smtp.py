"""E-mails reach a real server, and each stage at which it fails has its own outcome."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from outbox.channels.channel import Accepted, Refused, TemporaryFailure, Unknown
from outbox.channels.mail import MailBuilder
from outbox.channels.smtp import SmtpChannel, SmtpServer, server_of
from outbox.errors import DeliveryError
from outbox.plan import MESSAGE_ID, UNSUBSCRIBE_URL
from tests.support.outbox.mail_sink import MailSink
from tests.support.outbox.outgoing import outgoing

LINK = "https://shop.example/u?token=m1.x"


def test_an_email_arrives_with_both_bodies_and_one_click_unsubscription(sink: MailSink) -> None:
    html = f'<a href="https://shop.example/p?m={MESSAGE_ID}">Grüße</a><a href="{UNSUBSCRIBE_URL}">Leave</a>'
    text = (
        f"Grüße\n.a line that begins with a dot\n.\nhttps://shop.example/p?m={MESSAGE_ID}\nLeave: {UNSUBSCRIBE_URL}\n"
    )
    channel = sink.channel()

    assert channel.deliver(outgoing(subject="Käse für Sie", body_text=text, body_html=html)) == Accepted("250 2.0.0")
    channel.close()

    mail = sink.received[0]
    assert (mail["From"], mail["To"], mail["Subject"]) == ("Shop <news@shop.example>", "a@shop.example", "Käse für Sie")
    assert mail["Message-ID"] == "<m1@shop.example>"
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    own = text.replace(UNSUBSCRIBE_URL, LINK).replace(MESSAGE_ID, "m1")
    assert plain.get_content().splitlines() == own.splitlines()
    assert LINK in rich.get_content()
    assert '"https://shop.example/p?m=m1"' in rich.get_content()


def test_a_message_without_consent_has_no_unsubscribe_header(sink: MailSink) -> None:
    sink.channel().deliver(outgoing(unsubscribe_url=None))
    assert sink.received[0]["List-Unsubscribe"] is None


def test_one_connection_serves_many_messages_also_after_a_refusal(sink: MailSink) -> None:
    sink.recipients["b@shop.example"] = "550 5.1.1 b@shop.example is unknown"
    channel = sink.channel()
    outcomes = [channel.deliver(outgoing(c, address=f"{c}@shop.example")) for c in "abc"]
    connection = channel._connection
    assert outcomes == [Accepted("250 2.0.0"), Refused("550 5.1.1", is_hard_bounce=True), Accepted("250 2.0.0")]
    assert channel.deliver(outgoing("d")) == Accepted("250 2.0.0")
    assert channel._connection is connection
    assert sink.addresses == ["a@shop.example", "c@shop.example", "a@shop.example"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("550 no such user", Refused("550", is_hard_bounce=True)),
        ("550 5.7.1 blocked", Refused("550 5.7.1")),
        ("552 5.2.2 mailbox full", Refused("552 5.2.2")),
        ("551 5.1.6 moved", Refused("551 5.1.6", is_hard_bounce=True)),
        ("450 4.2.1 greylisted", TemporaryFailure("450 4.2.1")),
        ("421 too many connections", TemporaryFailure("421", is_of_message=False)),
    ],
)
def test_a_recipient_is_refused_or_deferred(sink: MailSink, answer: str, expected: object) -> None:
    sink.recipients["a@shop.example"] = answer
    assert sink.channel().deliver(outgoing()) == expected
    assert sink.received == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("554 5.6.0 content", Refused("554 5.6.0")), ("451 4.3.0 later", TemporaryFailure("451 4.3.0"))],
)
def test_content_is_refused_without_a_bounce(sink: MailSink, answer: str, expected: object) -> None:
    sink.data = answer
    channel = sink.channel()
    assert channel.deliver(outgoing()) == expected
    sink.data = "250 OK"
    assert channel.deliver(outgoing()) == Accepted("250")


def test_a_server_that_dies_after_the_content_leaves_the_message_unknown(sink: MailSink) -> None:
    sink.dies = True
    assert isinstance(sink.channel().deliver(outgoing()), Unknown)
    assert len(sink.received) == 1


def test_a_server_that_is_down_is_no_failure_of_the_message(sink: MailSink) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        sink.port = free.getsockname()[1]
    assert sink.channel().deliver(outgoing()) == TemporaryFailure("ConnectionRefusedError", is_of_message=False)


@contextmanager
def scripted(*answers: bytes) -> Iterator[int]:
    """A server that gives these answers to the first commands of each connection, and then none."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                reader = connection.makefile("rb")
                for answer in answers:
                    connection.sendall(answer)
                    if not reader.readline():
                        break
                else:
                    held.append(connection)
                    continue
                connection.close()

        held: list[socket.socket] = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        for connection in held:
            connection.close()


def channel_to(port: int) -> SmtpChannel:
    builder = MailBuilder("news@shop.example")
    return SmtpChannel(
        SmtpServer("127.0.0.1", port, None, "", "offered"), builder, command_seconds=0.2, final_seconds=0.2
    )


OK = b"250 OK\r\n"


BEFORE_CONTENT = [
    [],
    [b"220 hello\r\n"],
    [b"220 hello\r\n", OK, OK],
    [b"220 hello\r\n", OK, OK, OK],
    [b"554 no service\r\n"],
    [b"220 hello\r\n", OK, b"530 login first\r\n"],
]


@pytest.mark.parametrize("answers", BEFORE_CONTENT)
def test_a_server_that_stops_before_the_content_is_down_and_the_message_waits(answers: list[bytes]) -> None:
    with scripted(*answers) as port:
        found = channel_to(port).deliver(outgoing())
    assert isinstance(found, TemporaryFailure)
    assert not found.is_of_message


def test_a_server_too_slow_to_answer_the_content_leaves_the_message_unknown() -> None:
    with scripted(b"220 hello\r\n", OK, OK, OK, b"354 go\r\n") as port:
        assert isinstance(channel_to(port).deliver(outgoing()), Unknown)


def test_a_connection_that_the_server_closed_while_idle_is_opened_again(sink: MailSink) -> None:
    channel = sink.channel()
    channel.deliver(outgoing("m1"))
    assert channel._connection is not None
    assert channel._connection.sock is not None
    channel._connection.sock.shutdown(socket.SHUT_RDWR)
    assert channel.deliver(outgoing("m2")) == Accepted("250 2.0.0")


@pytest.mark.parametrize(
    "changed",
    [
        {"address": "a@shop.example\r\nBcc: all@shop.example"},
        {"subject": "a\nb"},
        {"address": "ä@shop.example"},
        {"address": ""},
    ],
)
def test_a_message_that_cannot_be_built_is_set_aside_without_its_text(sink: MailSink, changed: dict[str, str]) -> None:
    found = sink.channel().deliver(outgoing(**changed))
    assert isinstance(found, Refused)
    assert found.detail.startswith("message_invalid:")
    assert "shop" not in found.detail


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1", SmtpServer("127.0.0.1", 25, None, "", "offered")),
        ("smtps://u:p%40ss@mail.example", SmtpServer("mail.example", 465, "u", "p@ss", "tls")),
        ("smtp+starttls://mail.example:2525", SmtpServer("mail.example", 2525, None, "", "starttls")),
    ],
)
def test_a_servers_address_is_read(url: str, expected: SmtpServer) -> None:
    assert server_of(url) == expected
    assert "p@ss" not in repr(expected)


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://mail:x", "smtp://u:p@mail.example"])
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DeliveryError, match="REACH_SMTP_URL") as raised:
        server_of(url)
    assert "u:p" not in str(raised.value)


@pytest.mark.parametrize("sender", ["", "news", "@shop.example"])
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    with pytest.raises(DeliveryError, match="REACH_SMTP_FROM"):
        MailBuilder(sender)
