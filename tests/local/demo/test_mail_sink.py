"""The mail sink is a program of the local stack: its mail survives a restart, and a taken port is named."""

import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from local.demo.mail_sink import NAME, MailSink
from local.errors import PortTakenError, ProcessFailedError
from local.processes import Programs
from settings import Settings
from tests.support.e2e.installation import free_port

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", mail_smtp_port=free_port(), mail_page_port=free_port())


@pytest.fixture
def programs(settings: Settings) -> Iterator[Programs]:
    programs = Programs(settings.data)
    yield programs
    programs.stop_all()


def _send(port: int) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@demo.invalid", "customer-1@demo.invalid", "A subject"
    message.set_content("Hello")
    with smtplib.SMTP("127.0.0.1", port) as server:
        server.send_message(message)


def test_mail_survives_a_restart_on_other_ports(
    settings: Settings, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = settings.model_copy(update={"mail_smtp_port": free_port(), "mail_page_port": free_port()})
    for one in (settings, moved):
        monkeypatch.setenv("REACH_MAIL_SMTP_PORT", str(one.mail_smtp_port))
        monkeypatch.setenv("REACH_MAIL_PAGE_PORT", str(one.mail_page_port))
        sink = MailSink(one, programs)
        assert sink.start()
        assert not sink.start()
        sink.wait_until_ready()
        if one is settings:
            _send(one.mail_smtp_port)
        assert "A subject" in httpx.get(sink.url).text
    with pytest.raises(httpx.TransportError):
        httpx.get(MailSink(settings, programs).url)


def test_a_taken_port_is_named_with_its_setting(settings: Settings, programs: Programs) -> None:
    with (
        socket.create_server(("127.0.0.1", settings.mail_smtp_port)),
        pytest.raises(PortTakenError, match="REACH_MAIL_SMTP_PORT"),
    ):
        MailSink(settings, programs).start()


def test_a_sink_that_ended_is_an_error_with_its_last_lines(settings: Settings, programs: Programs) -> None:
    settings.data.mkdir()
    (settings.data / "mail").write_text("a file where the folder belongs")
    sink = MailSink(settings, programs)
    sink.start()
    with pytest.raises(ProcessFailedError, match=r"mail sink has ended(.|\n)*error: "):
        sink.wait_until_ready()
    assert programs.running(NAME) is None
