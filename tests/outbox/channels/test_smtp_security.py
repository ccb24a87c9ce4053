"""A password travels encrypted, and a server with another certificate gets nothing."""

import ssl
import subprocess
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from outbox.channels.channel import Accepted, TemporaryFailure
from outbox.channels.mail import MailBuilder
from outbox.channels.smtp import SmtpChannel, server_of
from tests.support.outbox.mail_sink import MailSink, mail_sink
from tests.support.outbox.outgoing import outgoing


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost, and a server that shows it."""
    key, file = folder / "key.pem", folder / "cert.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    options = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(file)]
    subprocess.run([*request, *options], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context


def deliver(sink: MailSink, scheme: str, credentials: str = "") -> object:
    server = server_of(f"{scheme}://{credentials}localhost:{sink.port}")
    channel = SmtpChannel(server, MailBuilder("news@shop.example"), command_seconds=5)
    outcome = channel.deliver(outgoing())
    channel.close()
    return outcome


def only_anna(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (b"anna", b"p@ss"))


def test_a_login_over_starttls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    options = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": only_anna}
    with mail_sink(**options) as sink:
        assert deliver(sink, "smtp+starttls", "anna:p%40ss@") == Accepted("250 2.0.0")
        for credentials in ("anna:wrong@", ""):
            found = deliver(sink, "smtp+starttls", credentials)
            assert isinstance(found, TemporaryFailure)
            assert not found.is_of_message
    assert len(sink.received) == 1


def test_a_certificate_that_is_not_trusted_ends_the_connection_before_the_password(tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    seen: list[object] = []

    def recording(*arguments: object) -> AuthResult:
        seen.append(arguments)
        return AuthResult(success=True)

    with mail_sink(tls_context=context, authenticator=recording) as sink:
        found = deliver(sink, "smtp+starttls", "anna:p%40ss@")
    assert found == TemporaryFailure("SSLCertVerificationError", is_of_message=False)
    assert seen == []


def test_required_starttls_is_not_replaced_by_clear_text() -> None:
    with mail_sink() as sink:
        assert deliver(sink, "smtp+starttls") == TemporaryFailure("SMTPNotSupportedError", is_of_message=False)
    assert sink.received == []
