"""Messages are kept over a restart, listed newest first, and none is found by a made-up name."""

from email.message import EmailMessage
from pathlib import Path

from local.mail_sink.received import ReceivedMail


def _mail(subject: str) -> bytes:
    message = EmailMessage()
    message["To"], message["Subject"] = "customer-1@demo.invalid", subject
    message.set_content("Hello")
    return message.as_bytes()


def test_the_newest_come_first_also_after_a_restart(tmp_path: Path) -> None:
    received = ReceivedMail(tmp_path / "data" / "mail")
    for number in range(12):
        received.keep(_mail(f"number {number}"))
    again = ReceivedMail(tmp_path / "data" / "mail")
    for one in (received, again):
        found, count = one.newest(0, 3)
        assert ([message.subject for message in found], count) == (["number 11", "number 10", "number 9"], 12)
        assert [message.subject for message in one.newest(11, 3)[0]] == ["number 0"]


def test_a_message_is_found_by_its_name_alone(tmp_path: Path) -> None:
    received = ReceivedMail(tmp_path / "mail")
    (tmp_path / "secret").write_bytes(_mail("secret"))
    name = received.keep(_mail("Hälló"))
    found = received.read(name)
    assert found is not None
    assert found["Subject"] == "Hälló"
    for wrong in ("../../secret", "..", "", "new", "nobody"):
        assert received.read(wrong) is None


def test_only_the_owner_reads_mail(tmp_path: Path) -> None:
    ReceivedMail(tmp_path / "mail")
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0


def test_a_message_without_headers_can_be_listed(tmp_path: Path) -> None:
    received = ReceivedMail(tmp_path / "mail")
    received.keep(b"\xff\xfe no headers")
    [found], _ = received.newest(0, 5)
    assert (found.recipient, found.subject) == ("", "")
