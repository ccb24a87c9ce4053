"""A campaign beyond its own limits is stopped with a sentence, and none of its messages leaves afterwards."""

from datetime import timedelta
from typing import Any

import pytest

from outbox import switches
from outbox.channels.channel import Accepted, Outcome, Outgoing, Refused
from outbox.customers.records import Consent, record_consents
from outbox.planning import enqueue
from outbox.sending import stop_rules
from outbox.sending.sender import Limits, Sender, Sent
from outbox.sending.stop_rules import StopRules, stop_by_rules
from outbox.status import status
from outbox.store import Store
from outbox.switches import restart_campaign, stopped_campaigns
from tests.support.outbox.plans import MESSAGE, NOON, a_plan, planned, reachable
from tests.support.outbox.rows import states

LIMITS = {"max_unsubscribes": 0.1, "max_bounces": 0.1, "after_messages": 10}
LATER = NOON + timedelta(minutes=1)
BOUNCED = Refused("550", is_hard_bounce=True)


class Server:
    """A channel at which the addresses of some customers do not exist."""

    def __init__(self, *unknown: str):
        self.unknown = unknown
        self.taken: list[str] = []

    def deliver(self, outgoing: Outgoing) -> Outcome:
        self.taken.append(outgoing.customer_id)
        return BOUNCED if outgoing.customer_id in self.unknown else Accepted("250")

    def close(self) -> None:
        pass


def wait(store: Store, count: int, first: int = 0, stop: dict[str, Any] = LIMITS, **changed: Any) -> None:
    """Let messages of campaign c1 wait, in the order of their customers."""
    customers = [f"c{number:03}" for number in range(first, first + count)]
    reachable(store, *customers)
    values = [planned(c, expected_value=-number) for number, c in enumerate(customers)]
    enqueue(store, a_plan(values, **{"plan_id": f"p{first}", "definition": {"stop": stop}, **changed}))


def send(store: Store, server: Server) -> Sent:
    return Sender(store, {"smtp": lambda: server}, None, Limits(1, 1e6), clock=lambda: NOON).run()


def withdraw(store: Store, *customers: str, **changed: Any) -> None:
    values = {"channel": "email", "purpose": "marketing", "since": LATER, **changed}
    record_consents(store, [Consent(c, granted=False, source="test", **values) for c in customers])


def test_bounces_stop_a_campaign_in_the_run_that_meets_them(store: Store) -> None:
    wait(store, 40)
    bad = sorted(f"c{number:03}" for number in range(40))
    found = send(store, server := Server(*bad))
    [reason] = found.stopped.values()
    assert reason == "10 of 10 messages (100.0%) bounced; stop.max_bounces allows 10.0%."
    assert found.states == {"refused": 10}
    assert len(server.taken) == 10
    assert sorted(states(store).values()) == [("refused", "refused")] * 10 + [("suppressed", "campaign_stopped")] * 30
    assert status(store)["stopped_campaigns"]["c1"]["reason"] == reason


def test_no_message_of_a_later_plan_leaves_until_a_person_lifts_the_stop(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switches, "utc_now", lambda: LATER)
    wait(store, 10)
    send(store, Server())
    withdraw(store, "c000", "c001")
    assert list(stop_by_rules(store)) == ["c1"]
    assert stop_by_rules(store) == {}
    wait(store, 5, first=100)
    assert send(store, Server()).states == {}

    assert restart_campaign(store, "c1")
    # Withdrawals before the restart do not count again.
    assert stop_by_rules(store) == {}
    wait(store, 5, first=200)
    assert send(store, Server()).states == {"sent": 5}


@pytest.mark.parametrize(
    ("sent", "withdrawn", "expected"),
    [
        (10, 1, None),
        (10, 2, "2 of 10 messages (20.0%) were followed by a withdrawn consent; stop.max_unsubscribes allows 10.0%."),
        (9, 9, None),
    ],
)
def test_unsubscribes_count_from_after_messages_on(store: Store, sent: int, withdrawn: int, expected: str) -> None:
    wait(store, sent)
    send(store, Server())
    withdraw(store, *(f"c{number:03}" for number in range(withdrawn)))
    assert stop_by_rules(store).get("c1") == expected
    assert stopped_campaigns(store) == ({"c1": expected} if expected else {})


def test_a_withdrawal_counts_for_the_last_message_of_its_channel_and_purpose(store: Store) -> None:
    """Campaign c2 wrote to the same customers a week later, so their withdrawals are about c2."""
    wait(store, 10)
    send(store, Server())
    week = timedelta(days=7)
    customers = [f"c{number:03}" for number in range(10)]
    message = {"occurrence": "campaign:c2", "message": MESSAGE}
    definition = {"stop": {**LIMITS, "max_unsubscribes": 0.5}}
    enqueue(
        store, a_plan([planned(c, **message) for c in customers], plan_id="q", campaign_id="c2", definition=definition)
    )
    Sender(store, {"smtp": lambda: Server()}, None, Limits(1, 1e6), clock=lambda: NOON + week).run()
    withdraw(store, *customers[:4], since=NOON + 2 * week)
    withdraw(store, *customers, purpose="research", since=NOON + 2 * week)
    assert stop_by_rules(store) == {}
    withdraw(store, *customers[:6], since=NOON + 3 * week)
    assert list(stop_by_rules(store)) == ["c2"]


def test_the_newest_plan_gives_the_limits_and_without_any_nothing_is_stopped(store: Store) -> None:
    wait(store, 10, stop={})
    send(store, Server())
    withdraw(store, *(f"c{number:03}" for number in range(10)))
    assert stop_by_rules(store) == {}
    wait(store, 1, first=100, planned_at=LATER)
    assert list(stop_by_rules(store)) == ["c1"]


def test_a_limit_of_zero_allows_none() -> None:
    rules = StopRules(0.0, 0.0, 1)
    assert rules.broken(1, 0, 0) is None
    assert "bounced" in str(rules.broken(1_000, 0, 1))


def test_a_store_that_does_not_answer_stops_no_sender(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    wait(store, 3)
    monkeypatch.setattr(stop_rules, "_broken", _no_answer)
    assert send(store, Server()).states == {"sent": 3}


def _no_answer(_: object) -> dict[str, str]:
    from outbox.errors import StoreBusyError

    raise StoreBusyError("busy")
