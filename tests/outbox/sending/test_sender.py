"""The sender sends what is due once, and what fails ends in a state with a reason."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from outbox.channels.channel import Accepted, Channel, Outcome, Outgoing, Refused, TemporaryFailure, Unknown
from outbox.customers.records import Contact, record_contacts
from outbox.customers.unsubscribe import UnsubscribeLinks
from outbox.errors import DeliveryError, StoreBusyError, StoreError
from outbox.plan import Content
from outbox.planning import enqueue
from outbox.sending import sender as module
from outbox.sending.claims import Claimed, Claims
from outbox.sending.liveness import OwnerLock
from outbox.sending.outcomes import RETRIES
from outbox.sending.recovery import recover
from outbox.sending.sender import Limits, Sender, Sent, end_of
from outbox.store import Store
from outbox.switches import pause, resume
from outbox.tables import messages, suppressions
from tests.support.outbox.mail_sink import MailSink, mail_sink
from tests.support.outbox.plans import MESSAGE, NOON, a_plan, at, planned, reachable
from tests.support.outbox.rows import message_of, states

LINKS = UnsubscribeLinks("https://shop.example/u", "k" * 32)
FAST = Limits(1, 1e6)


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as found:
        yield found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)


class Recorder:
    """A channel that gives prepared answers and records message ids."""

    def __init__(self, answer: Callable[[Outgoing], Outcome] = lambda _: Accepted("250")):
        self.answer = answer
        self.ids: list[str] = []
        self.subjects: list[str] = []

    def deliver(self, outgoing: Outgoing) -> Outcome:
        self.ids.append(outgoing.message_id)
        self.subjects.append(outgoing.subject)
        return self.answer(outgoing)

    def close(self) -> None:
        pass


def sender(store: Store, channel: Channel, now: datetime = NOON, limits: Limits = FAST, **options: Any) -> Sender:
    return Sender(
        store, {"smtp": lambda: channel, "webhook": lambda: channel}, LINKS, limits, clock=lambda: now, **options
    )


def run(store: Store, channel: Channel, now: datetime = NOON, **options: Any) -> Sent:
    return sender(store, channel, now, **options).run()


def ready(store: Store, *customers: str, delivery: Any = "smtp") -> None:
    reachable(store, *customers)
    message = replace(MESSAGE, delivery=delivery)
    enqueue(store, a_plan([planned(c, replace(message, content=Content(c, "Text"))) for c in customers]))


def test_everything_due_is_sent_once(store: Store, sink: MailSink) -> None:
    ready(store, *(f"c{n}" for n in range(30)))
    found = run(store, sink.channel())
    assert found.states == {"sent": 30}
    assert run(store, sink.channel()).states == {}
    assert sorted(sink.addresses) == sorted(f"c{n}@shop.example" for n in range(30))
    assert set(states(store).values()) == {("sent", "")}
    assert all(str(mail["List-Unsubscribe"]).startswith("<https://shop.example/u?token=") for mail in sink.received)


def test_several_connections_and_senders_share_the_work(store: Store) -> None:
    ready(store, *(f"c{n}" for n in range(60)))
    channels = [Recorder() for _ in range(4)]
    given = iter(channels)
    senders = [
        Sender(store, {"smtp": lambda: next(given)}, LINKS, Limits(2, 1e6), clock=lambda: NOON) for _ in range(2)
    ]
    threads = [threading.Thread(target=one.run) for one in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = [message_id for channel in channels for message_id in channel.ids]
    assert len(sent) == len(set(sent)) == 60


def test_more_connections_than_a_pool_usually_has_wait_for_each_other(store: Store) -> None:
    """All take a message at once, so all wait for one transaction."""
    ready(store, *(f"c{n}" for n in range(30)))
    with store.write("send"):
        one = Sender(store, {"smtp": Recorder}, LINKS, Limits(30, 1e6), clock=lambda: NOON)
        result: list[Sent] = []
        running = threading.Thread(target=lambda: result.append(one.run()))
        running.start()
        while store.engine.pool.checkedout() < 31:
            assert running.is_alive()
    running.join()
    assert result[0].states == {"sent": 30}


def test_one_refused_recipient_does_not_hold_back_the_others(store: Store, sink: MailSink) -> None:
    ready(store, "a", "b", "c")
    sink.recipients = {"a@shop.example": "550 5.1.1 unknown", "b@shop.example": "450 4.2.1 later"}

    found = run(store, sink.channel())

    assert found.states == {"sent": 1, "refused": 1, "planned": 1}
    assert states(store)["a"] == ("refused", "refused")
    assert states(store)["b"] == ("planned", "temporary_failure")
    assert message_of(store, "b")["due_at"] == NOON + RETRIES["smtp"][0]
    with store.read() as connection:
        assert connection.execute(select(suppressions.c.customer_id, suppressions.c.reason)).all() == [
            ("a", "hard_bounce")
        ]


@pytest.mark.parametrize("outcome", [Refused("552"), TemporaryFailure("451"), TemporaryFailure("down", False)])
def test_a_message_that_was_not_taken_uses_up_no_cap(store: Store, outcome: Outcome) -> None:
    ready(store, "a")
    enqueue(store, a_plan([planned("a", occurrence="o2", expected_value=-1)], plan_id="p2"))
    claims = Claims(store, "abc")
    first = claims.claim(["smtp"], at(NOON))
    assert isinstance(first, Claimed)
    claims.settle(first, outcome, NOON)
    other = {"state": "suppressed", "reason": "expired"}
    with store.write("send") as connection:
        connection.execute(update(messages).where(messages.c.message_id == first.message_id).values(other))
    assert isinstance(claims.claim(["smtp"], at(NOON)), Claimed)


def test_a_second_hard_bounce_at_a_newer_address_counts_again(store: Store, sink: MailSink) -> None:
    ready(store, "a")
    sink.recipients = {"a@shop.example": "550 5.1.1 unknown", "new@shop.example": "550 5.1.1 unknown"}
    run(store, sink.channel())
    tomorrow = NOON + timedelta(days=1)
    record_contacts(store, [Contact("a", "email", "new@shop.example", None, tomorrow)])
    for number, instant in enumerate((tomorrow, tomorrow + timedelta(days=1))):
        enqueue(store, a_plan([planned("a", occurrence=f"o{number}")], plan_id=f"q{number}"))
        run(store, sink.channel(), instant)
    with store.read() as connection:
        found = connection.execute(select(messages.c.state, messages.c.reason).order_by(messages.c.occurrence)).all()
    assert [tuple(row) for row in found] == [
        ("refused", "refused"),
        ("refused", "refused"),
        ("suppressed", "suppression_list"),
    ]


def test_a_template_that_fails_for_one_customer_is_set_aside(store: Store, sink: MailSink) -> None:
    reachable(store, "a", "b")
    broken = replace(MESSAGE, content=Content("two\nlines", "Text"))
    enqueue(store, a_plan([planned("a", broken), planned("b")]))
    run(store, sink.channel())
    assert message_of(store, "a")["detail"].startswith("message_invalid:")
    assert states(store) == {"a": ("refused", "refused"), "b": ("sent", "")}


def test_a_temporary_failure_is_tried_again_with_growing_waits_and_ends(store: Store) -> None:
    ready(store, "a")
    channel = Recorder(lambda _: TemporaryFailure("451"))
    # Half past eight, so that no attempt falls into quiet hours.
    now, waits = NOON - timedelta(hours=3.5), []
    while message_of(store, "a")["state"] == "planned":
        run(store, channel, now)
        later = message_of(store, "a")["due_at"]
        waits.append(later - now)
        now = max(later, now)
    assert tuple(waits[:-1]) == RETRIES["smtp"]
    assert states(store) == {"a": ("failed", "temporary_failure")}
    assert message_of(store, "a")["detail"] == "451"
    assert len(set(channel.ids)) == 1


def test_a_failure_whose_next_attempt_would_be_too_late_has_failed(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a", replace(MESSAGE, not_after=NOON + timedelta(seconds=30)))]))
    run(store, Recorder(lambda _: TemporaryFailure("451")))
    assert states(store) == {"a": ("failed", "temporary_failure")}


def test_a_webhook_is_tried_again_for_24_hours() -> None:
    assert sum(RETRIES["webhook"], timedelta()) == timedelta(hours=24)


def test_a_channel_that_is_down_leaves_all_messages_waiting_and_ends_the_run_with_the_next_step(store: Store) -> None:
    ready(store, "a", "b")
    channel = Recorder(lambda _: TemporaryFailure("ConnectionRefusedError", is_of_message=False))

    found = run(store, channel)

    with pytest.raises(
        DeliveryError, match=r"smtp channel is down \(ConnectionRefusedError, 4 attempts\).*run 'python -m"
    ):
        end_of(found)
    assert {reason for _, reason in states(store).values()} == {"waits", "channel_down"}
    assert max(message_of(store, c)["attempts"] for c in "ab") == 0
    assert run(store, Recorder()).states == {"sent": 2}


def test_an_unknown_outcome_is_in_doubt_and_never_sent_again(store: Store, sink: MailSink) -> None:
    ready(store, "a", "b")
    sink.dies = True
    run(store, sink.channel())
    sink.dies = False
    run(store, sink.channel(), NOON + timedelta(days=2))
    assert set(states(store).values()) == {("in_doubt", "connection_lost")}
    assert len(sink.received) == 2


def test_by_setting_an_unknown_outcome_is_sent_again_with_the_same_message_id(store: Store, sink: MailSink) -> None:
    ready(store, "a")
    sink.dies = True
    run(store, sink.channel(), resend_in_doubt=True)
    sink.dies = False
    run(store, sink.channel(), NOON + timedelta(hours=1), resend_in_doubt=True)
    assert states(store) == {"a": ("sent", "")}
    assert len({mail["Message-ID"] for mail in sink.received}) == 1
    assert len(sink.received) == 2


@pytest.mark.parametrize(
    ("delivery", "resend", "expected"),
    [
        ("smtp", False, ("in_doubt", "owner_died")),
        ("smtp", True, ("planned", "temporary_failure")),
        ("webhook", False, ("planned", "temporary_failure")),
    ],
)
def test_the_message_of_a_dead_sender(store: Store, delivery: Any, resend: bool, expected: tuple[str, str]) -> None:
    ready(store, "a", delivery=delivery)
    with OwnerLock(store) as lock:
        Claims(store, lock.owner).claim([delivery], at(NOON))

    found = run(store, Recorder(), resend_in_doubt=resend)

    assert states(store) == {"a": expected}
    assert sum(found.recovered.values()) == 1


def test_the_message_of_a_living_sender_is_left_to_it(store: Store) -> None:
    ready(store, "a")
    with OwnerLock(store) as lock:
        claims = Claims(store, lock.owner)
        taken = claims.claim(["smtp"], at(NOON))
        assert isinstance(taken, Claimed)
        assert run(store, Recorder()).recovered == {}
        assert claims.settle(taken, Accepted("250"), NOON) == "sent"


def test_a_sender_taken_for_dead_by_mistake_settles_its_message(store: Store) -> None:
    ready(store, "a")
    claims = Claims(store, "abc")
    taken = claims.claim(["smtp"], at(NOON))
    assert isinstance(taken, Claimed)
    recover(store, ["abc"], NOON, resend_in_doubt=False)
    assert states(store) == {"a": ("in_doubt", "owner_died")}
    assert claims.settle(taken, Accepted("250"), NOON) == "sent"
    assert claims.settle(taken, Unknown("again"), NOON) == "in_doubt"
    assert states(store) == {"a": ("sent", "")}


def test_only_the_owner_settles_a_message(store: Store) -> None:
    ready(store, "a")
    taken = Claims(store, "abc").claim(["smtp"], at(NOON))
    assert isinstance(taken, Claimed)
    assert Claims(store, "other").settle(taken, Refused("550", is_hard_bounce=True), NOON) == "in_doubt"
    assert states(store) == {"a": ("sending", "sending")}
    with store.read() as connection:
        assert connection.execute(select(suppressions)).all() == []


def test_a_pause_ends_a_run_and_is_asked_before_each_message(store: Store) -> None:
    ready(store, "a", "b", "c")

    def pausing(_: Outgoing) -> Outcome:
        pause(store, "wrong price")
        return Accepted("250")

    found = run(store, Recorder(pausing))

    assert (found.states, found.pause) == ({"sent": 1}, "wrong price")
    resume(store)
    assert run(store, Recorder()).states == {"sent": 2}


def test_an_outcome_waits_for_a_store_that_does_not_answer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(store, "a")
    settle, failures = Claims.settle, [StoreBusyError("locked"), StoreError("gone")]

    def failing(self: Claims, *arguments: Any) -> str:
        if failures:
            raise failures.pop()
        return settle(self, *arguments)

    monkeypatch.setattr(Claims, "settle", failing)
    assert run(store, Recorder()).states == {"sent": 1}
    assert states(store) == {"a": ("sent", "")}


def test_a_store_that_stays_away_ends_the_run_and_names_the_message(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(store, "a")
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.0)

    def failing(*_: Any) -> str:
        raise StoreError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Claims, "settle", failing)
        with pytest.raises(StoreError, match=f"message {message_of(store, 'a')['message_id']} .*in doubt: gone"):
            run(store, Recorder())
    run(store, Recorder())
    assert states(store) == {"a": ("in_doubt", "owner_died")}


def test_a_sender_that_follows_waits_for_messages_and_stops_when_asked(store: Store) -> None:
    reachable(store, "a")
    one = sender(store, Recorder(lambda _: (one.stop(), Accepted("250"))[1]), follow=True)
    thread = threading.Thread(target=one.run)
    thread.start()
    enqueue(store, a_plan([planned("a")]))
    thread.join()
    assert states(store) == {"a": ("sent", "")}


def test_a_sender_that_follows_outlasts_a_store_that_is_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(store, "a")
    claim, failures = Claims.claim, [StoreError("gone")] * 3
    one = sender(store, Recorder(lambda _: (one.stop(), Accepted("250"))[1]), follow=True)

    def failing(self: Claims, *arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return claim(self, *arguments)

    monkeypatch.setattr(Claims, "claim", failing)
    assert one.run().states == {"sent": 1}


def test_neither_customer_nor_address_is_logged(store: Store, sink: MailSink, caplog: pytest.LogCaptureFixture) -> None:
    ready(store, "customer-1", "customer-2", "customer-3")
    sink.recipients = {"customer-1@shop.example": "550 5.1.1 customer-1@shop.example is unknown"}
    sink.dies = True
    with caplog.at_level(logging.DEBUG):
        run(store, sink.channel())
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("outbox")]
    assert any("is refused: 550 5.1.1" in line for line in ours)
    assert any("is in_doubt" in line for line in ours)
    assert not [line for line in ours if "customer-" in line or "shop.example" in line]
    with store.read() as connection:
        details = connection.execute(select(messages.c.detail)).scalars().all()
    assert not [detail for detail in details if "@" in detail]
