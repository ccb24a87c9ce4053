"""Real receivers."""

from collections.abc import Iterator

import pytest

from tests.support.outbox.mail_sink import MailSink, mail_sink
from tests.support.outbox.webhook_receiver import Receiver, webhook_receiver


@pytest.fixture
def sink() -> Iterator[MailSink]:
    """An SMTP server."""
    with mail_sink() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server."""
    with webhook_receiver() as found:
        yield found
