"""A real receiver verifies the signature and sees one id over all attempts."""

import pytest

from outbox.channels.channel import Accepted, Refused, TemporaryFailure
from outbox.channels.webhook import WebhookChannel, signer_of
from outbox.errors import DeliveryError
from outbox.plan import MESSAGE_ID
from tests.support.outbox.outgoing import outgoing
from tests.support.outbox.webhook_receiver import SECRET, Receiver, body_of


def channel(receiver: Receiver) -> WebhookChannel:
    return WebhookChannel(receiver.url, signer_of(SECRET), timeout_seconds=5)


def test_a_delivery_is_signed_and_whole(receiver: Receiver) -> None:
    assert channel(receiver).deliver(outgoing(body_html=f"<b>Grüße {MESSAGE_ID}</b>")) == Accepted("204")
    data = body_of(receiver, "m1")
    assert (data["message_id"], data["address"], data["html"]) == ("m1", "a@shop.example", "<b>Grüße m1</b>")
    assert receiver.taken["m1"]["type"] == "message.send"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, TemporaryFailure("500")),
        (429, TemporaryFailure("429")),
        (400, TemporaryFailure("400")),
        (302, TemporaryFailure("302")),
        (410, Refused("410")),
    ],
)
def test_an_answer_but_2xx_is_tried_again_unless_the_receiver_has_gone(
    receiver: Receiver, status: int, expected: object
) -> None:
    receiver.statuses = [status]
    assert channel(receiver).deliver(outgoing()) == expected


def test_a_receiver_that_dies_after_the_body_gets_the_same_id_again(receiver: Receiver) -> None:
    receiver.statuses = [0]
    sender = channel(receiver)
    first, second = sender.deliver(outgoing()), sender.deliver(outgoing())
    assert isinstance(first, TemporaryFailure)
    assert first.is_of_message
    assert second == Accepted("204")
    assert receiver.calls == ["m1", "m1"]
    assert len(receiver.taken) == 1


def test_a_receiver_that_is_down_is_no_failure_of_the_message() -> None:
    found = WebhookChannel("http://127.0.0.1:1/hook", signer_of(SECRET)).deliver(outgoing())
    assert found == TemporaryFailure("ConnectError", is_of_message=False)


@pytest.mark.parametrize("secret", ["", "short", "whsec_!!!", "whsec_c2hvcnQ="])
def test_a_secret_that_is_too_short_is_refused_with_a_command_that_makes_one(secret: str) -> None:
    with pytest.raises(DeliveryError, match=r"REACH_WEBHOOK_SECRET.*Create one: python -c"):
        signer_of(secret)
