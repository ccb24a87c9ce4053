"""The page shows messages as text; foreign HTML stays in its frame, without scripts and other addresses."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from local.mail_sink.page import PAGE_SIZE, MailPages
from local.mail_sink.received import ReceivedMail

LINK = "http://127.0.0.1:3000/unsubscribe?token=abc"


def _mail(subject: str, html: str | None = None, link: str | None = f"<{LINK}>") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@demo.invalid", "customer-1@demo.invalid", subject
    if link:
        message["List-Unsubscribe"] = link
    message.set_content("Plain <script>text</script>")
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


@pytest.fixture
def received(tmp_path: Path) -> ReceivedMail:
    return ReceivedMail(tmp_path / "mail")


@pytest.fixture
def client(received: ReceivedMail) -> TestClient:
    return TestClient(MailPages(received).application(), base_url="http://127.0.0.1:8025")


def test_without_mail_the_page_names_the_next_step(client: TestClient) -> None:
    assert "No message was sent yet" in client.get("/").text


def test_headers_and_texts_are_escaped(client: TestClient, received: ReceivedMail) -> None:
    name = received.keep(_mail("<img src=x onerror=alert(1)>", "<p>Hello</p>"))
    for path in ("/", f"/messages/{name}"):
        text = client.get(path).text
        assert "<img" not in text
        assert "&lt;img src=x" in text
    text = client.get(f"/messages/{name}").text
    assert "Plain &lt;script&gt;" in text
    assert "<p>Hello</p>" not in text


def test_the_frame_of_a_message_runs_no_script_and_loads_nothing(client: TestClient, received: ReceivedMail) -> None:
    name = received.keep(_mail("Hello", "<script>alert(1)</script><img src='http://elsewhere/'>"))
    page, frame = client.get(f"/messages/{name}"), client.get(f"/messages/{name}/html")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    policy = frame.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert "allow-scripts" not in policy + page.text
    assert "http" not in policy
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; frame-src 'self'")


def test_a_link_to_unsubscribe_is_shown_if_it_is_one(client: TestClient, received: ReceivedMail) -> None:
    assert f'href="{LINK}"' in client.get(f"/messages/{received.keep(_mail('Hello'))}").text
    for link in (None, "<javascript:alert(1)>", "<mailto:a@demo.invalid>"):
        assert ">Unsubscribe<" not in client.get(f"/messages/{received.keep(_mail('Hello', link=link))}").text


def test_another_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 400


def test_a_message_that_is_not_there_is_404(client: TestClient, received: ReceivedMail) -> None:
    name = received.keep(_mail("Hello"))
    assert client.get("/messages/nobody").status_code == 404
    assert client.get("/messages/nobody/html").status_code == 404
    assert client.get(f"/messages/{name}/html").status_code == 404
    assert client.get("/messages/..%2f..%2fsecret").status_code == 404


def test_many_messages_are_pages(client: TestClient, received: ReceivedMail) -> None:
    for number in range(PAGE_SIZE + 1):
        received.keep(_mail(f"number {number}."))
    first, second = client.get("/").text, client.get("/?page=2").text
    assert "number 0." not in first
    assert "number 0." in second
    assert "Page 1 of 2" in first
    for odd in ("0", "-1", "x", "9" * 40):
        assert client.get("/", params={"page": odd}).status_code == 200
    assert "This page is empty" in client.get("/?page=9").text
