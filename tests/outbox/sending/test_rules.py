"""The rules are asked again when a message is taken, and each unsent message has its reason."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import event, update

from outbox.channels.channel import Accepted
from outbox.customers.records import Consent, Contact, erase, record_consents, record_contacts, suppress
from outbox.errors import StoreError
from outbox.plan import ClassPolicy, ContactPolicy, Content, FrequencyCap, GlobalHoldOut, QuietHours
from outbox.planning import enqueue
from outbox.sending.claims import Claimed, Claims, Idle, Paused
from outbox.sending.recovery import owners
from outbox.store import Store
from outbox.switches import pause, restart_campaign, resume, stop_campaign
from outbox.tables import HARD_BOUNCE, decisions, messages
from tests.support.outbox.plans import MESSAGE, NOON, POLICY, a_plan, at, held_out, planned, reachable
from tests.support.outbox.rows import message_of, states

DAY = timedelta(days=1)
RECEIPT = replace(MESSAGE, message_class="receipt", purpose="contract")


def policy(**changed: Any) -> ContactPolicy:
    return ContactPolicy({"promotion": ClassPolicy(**changed), "receipt": ClassPolicy(needs_consent=False)})


def claim(store: Store, now: datetime = NOON) -> Claimed | Idle | Paused:
    return Claims(store, "sender").claim(["smtp"], at(now))


def sent_to(store: Store, *instants: datetime) -> list[str]:
    """Take and deliver at each instant all that may leave; the occurrences in order."""
    claims, found = Claims(store, "sender"), []
    for now in instants:
        while isinstance(taken := claims.claim(["smtp"], at(now)), Claimed):
            claims.settle(taken, Accepted(), now)
            found.append(taken.row["occurrence"])
    return found


def test_a_message_with_consent_and_address_is_taken_and_the_row_shows_it_before_any_socket(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a")]))

    taken = claim(store)

    assert isinstance(taken, Claimed)
    assert (taken.address, taken.subject, taken.body_text) == ("a@shop.example", "Hello", "Text")
    row = message_of(store, "a")
    assert (row["state"], row["owner"], row["sending_at"], row["attempts"]) == ("sending", "sender", NOON, 1)
    assert "shop.example" not in repr(taken)
    assert claim(store) == Idle(False, None)


def test_nothing_known_means_no(store: Store) -> None:
    record_contacts(store, [Contact("a", "email", "a@shop.example", None, NOON)])
    enqueue(store, a_plan([planned("a")]))
    claim(store)
    assert states(store) == {"a": ("suppressed", "no_consent")}


@pytest.mark.parametrize("withdrawn_at", [NOON - DAY, NOON, NOON + DAY])
def test_a_consent_withdrawn_between_plan_and_send_wins_also_under_a_clock_that_is_behind(
    store: Store, withdrawn_at: datetime
) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a")]))
    record_consents(store, [Consent("a", "email", "marketing", False, withdrawn_at, "customer")])
    claim(store)
    assert states(store) == {"a": ("suppressed", "consent_withdrawn")}


def test_a_consent_from_a_later_instant_is_none_yet(store: Store) -> None:
    reachable(store, "a")
    record_consents(store, [Consent("a", "email", "marketing", True, NOON + DAY, "customer")])
    enqueue(store, a_plan([planned("a")]))
    claim(store)
    assert states(store) == {"a": ("suppressed", "no_consent")}


def test_a_consent_to_another_purpose_or_channel_does_not_count(store: Store) -> None:
    reachable(store, "a")
    other = replace(MESSAGE, purpose="research")
    enqueue(store, a_plan([planned("a", other), planned("a", replace(MESSAGE, channel="sms"), occurrence="o2")]))
    claim(store)
    with store.read() as connection:
        assert connection.execute(messages.select()).mappings().all()[0]["reason"] == "no_consent"


def test_a_message_of_a_class_without_consent_needs_only_an_address(store: Store) -> None:
    record_contacts(store, [Contact("a", "email", "a@shop.example", None, NOON)])
    enqueue(store, a_plan([planned("a", RECEIPT), planned("b", RECEIPT)]))
    assert isinstance(claim(store), Claimed)
    claim(store)
    assert states(store)["b"] == ("suppressed", "no_address")


@pytest.mark.parametrize("channel", ["email", "*"])
def test_the_suppression_list_holds_for_every_class(store: Store, channel: str) -> None:
    reachable(store, "a")
    suppress(store, "a", channel, "complaint", NOON)
    enqueue(store, a_plan([planned("a", RECEIPT)]))
    claim(store)
    row = message_of(store, "a")
    assert (row["state"], row["reason"], row["detail"]) == ("suppressed", "suppression_list", "complaint")


def test_an_address_that_changes_between_plan_and_send_is_used_and_ends_a_bounce(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a")]))
    suppress(store, "a", "email", HARD_BOUNCE, NOON - DAY)
    record_contacts(store, [Contact("a", "email", "new@shop.example", None, NOON)])
    taken = claim(store)
    assert isinstance(taken, Claimed)
    assert taken.address == "new@shop.example"


def test_a_customer_erased_between_plan_and_send_gets_nothing(store: Store) -> None:
    reachable(store, "a", "b")
    enqueue(store, a_plan([planned("a"), planned("b")]))
    erase(store, "a")
    reachable(store, "a")  # an import that still has the customer
    assert sent_to(store, NOON) == ["campaign:c1"]
    assert states(store)["b"] == ("sent", "")


def test_a_customer_whom_the_campaign_holds_out_gets_no_occurrence_of_it(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([held_out("a", occurrence="o1"), planned("a", occurrence="o2")]))
    claim(store)
    assert states(store) == {"a": ("suppressed", "hold_out")}


def test_a_new_version_of_a_campaign_draws_its_own_hold_out(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([held_out("a", occurrence="o1")]))
    enqueue(store, a_plan([planned("a", occurrence="o2")], plan_id="p2", campaign_version="2"))
    assert sent_to(store, NOON) == ["o2"]


def test_a_decision_changed_to_held_out_has_no_message_left(store: Store) -> None:
    enqueue(store, a_plan([planned("a")]))
    with pytest.raises(StoreError, match="constraint of the outbox"), store.write("plan") as connection:
        connection.execute(update(decisions).values(outcome="held_out", is_holdout=True, reason="hold_out"))


def test_a_rolling_cap_moves_a_message_to_the_instant_at_which_the_window_is_free(store: Store) -> None:
    reachable(store, "a")
    caps = policy(caps=(FrequencyCap(2, timedelta(days=3)),))
    days = [replace(MESSAGE, not_before=NOON + number * DAY) for number in range(3)]
    given = [planned("a", message, occurrence=f"o{number}") for number, message in enumerate(days)]
    enqueue(store, a_plan(given, policy=caps))

    assert sent_to(store, NOON, NOON + DAY, NOON + 2 * DAY) == ["o0", "o1"]
    with store.read() as connection:
        row = connection.execute(messages.select().where(messages.c.state == "planned")).mappings().one()
    assert (row["reason"], row["due_at"]) == ("frequency_cap", NOON + 3 * DAY)
    assert sent_to(store, NOON + 3 * DAY - timedelta(seconds=1)) == []
    assert sent_to(store, NOON + 3 * DAY) == ["o2"]


def test_a_cap_that_outlasts_the_message_suppresses_it(store: Store) -> None:
    reachable(store, "a")
    caps = policy(caps=(FrequencyCap(1, timedelta(days=30)),))
    enqueue(
        store, a_plan([planned("a", occurrence="o1", expected_value=1), planned("a", occurrence="o2")], policy=caps)
    )
    assert sent_to(store, NOON) == ["o1"]
    with store.read() as connection:
        row = connection.execute(messages.select().where(messages.c.occurrence == "o2")).mappings().one()
    assert (row["state"], row["reason"]) == ("suppressed", "frequency_cap")


def test_a_clock_that_is_set_back_does_not_free_a_cap(store: Store) -> None:
    reachable(store, "a")
    caps = policy(caps=(FrequencyCap(1, timedelta(days=3)),))
    enqueue(store, a_plan([planned("a", occurrence="o1"), planned("a", occurrence="o2")], policy=caps))
    assert len(sent_to(store, NOON, NOON - timedelta(hours=20))) == 1


def test_caps_count_by_class(store: Store) -> None:
    reachable(store, "a")
    caps = policy(caps=(FrequencyCap(1, timedelta(days=30)),))
    enqueue(store, a_plan([planned("a", occurrence="o1"), planned("a", RECEIPT, occurrence="o2")], policy=caps))
    assert sorted(sent_to(store, NOON)) == ["o1", "o2"]


def test_a_days_cap_follows_the_customers_midnight(store: Store) -> None:
    reachable(store, "a", timezone="Asia/Tokyo")
    enqueue(
        store,
        a_plan([planned("a", occurrence=f"o{n}", expected_value=-n) for n in range(2)], policy=policy(cap_per_day=1)),
    )
    assert sent_to(store, NOON, NOON + timedelta(hours=2, minutes=59)) == ["o0"]
    assert sent_to(store, NOON + timedelta(hours=3)) == ["o1"]


def test_the_more_valuable_message_wins_under_a_cap_whichever_was_planned_first(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a", occurrence="o1", expected_value=1.0)], policy=policy(cap_per_day=1)))
    later = replace(MESSAGE, not_before=NOON)
    enqueue(
        store,
        a_plan(
            [planned("a", later, occurrence="o2", expected_value=2.0)],
            plan_id="p2",
            campaign_id="c2",
            policy=policy(cap_per_day=1),
        ),
    )
    assert sent_to(store, NOON) == ["o2"]


def test_quiet_hours_move_a_message_to_their_end_in_the_customers_zone(store: Store) -> None:
    reachable(store, "a", timezone="Europe/Berlin")
    reachable(store, "b", timezone="America/New_York")
    reachable(store, "c")
    night = replace(policy(quiet_hours=QuietHours(time(21), time(8))), timezone="Asia/Tokyo")
    enqueue(store, a_plan([planned(c) for c in "abc"], policy=night))

    sent_to(store, NOON)

    assert {c: message_of(store, c)["reason"] for c in "abc"} == {"a": "", "b": "quiet_hours", "c": "quiet_hours"}
    assert message_of(store, "b")["due_at"] == NOON + timedelta(hours=1)
    assert message_of(store, "c")["due_at"] == NOON + timedelta(hours=11)


def test_quiet_hours_that_outlast_the_message_suppress_it(store: Store) -> None:
    reachable(store, "a")
    night = policy(quiet_hours=QuietHours(time(11), time(10)))
    enqueue(store, a_plan([planned("a", replace(MESSAGE, not_after=NOON + timedelta(hours=21)))], policy=night))
    claim(store)
    assert states(store) == {"a": ("suppressed", "quiet_hours")}


def test_a_message_past_its_last_instant_is_suppressed_with_the_reason_it_waited_for(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a")]))
    claim(store, NOON + 8 * DAY)
    row = message_of(store, "a")
    assert (row["state"], row["reason"], row["detail"]) == ("suppressed", "expired", "waits")


def test_a_message_may_leave_at_its_last_instant(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a")], policy=policy()))
    assert sent_to(store, MESSAGE.not_after) == ["campaign:c1"]


def test_a_pause_is_asked_before_each_message(store: Store) -> None:
    reachable(store, "a", "b")
    enqueue(store, a_plan([planned("a"), planned("b")]))
    assert isinstance(claim(store), Claimed)
    pause(store, "wrong price")
    pause(store, "a later reason")
    assert claim(store) == Paused("wrong price")
    assert resume(store)
    assert isinstance(claim(store), Claimed)
    assert not resume(store)


def test_a_stopped_campaign_sends_neither_what_waits_nor_what_is_planned_later(store: Store) -> None:
    reachable(store, "a", "b", "c", "d")
    enqueue(store, a_plan([planned("a")]))
    enqueue(store, a_plan([planned("b")], plan_id="p2", campaign_id="c2"))
    assert stop_campaign(store, "c1", "wrong price") == 1
    enqueue(store, a_plan([planned("c")], plan_id="p3"))

    sent_to(store, NOON)

    stopped = ("suppressed", "campaign_stopped")
    assert states(store) == {"a": stopped, "b": ("sent", ""), "c": stopped}
    assert message_of(store, "c")["detail"] == "wrong price"
    assert restart_campaign(store, "c1")
    assert not restart_campaign(store, "c1")
    enqueue(store, a_plan([planned("d")], plan_id="p4"))
    sent_to(store, NOON)
    assert states(store)["d"] == ("sent", "")


def test_the_clock_is_read_after_the_wait_for_the_store(store: Store) -> None:
    """Waiting for a planner's transaction may last into quiet hours."""
    reachable(store, "a", timezone="UTC")
    enqueue(store, a_plan([planned("a")], policy=policy(quiet_hours=QuietHours(time(12), time(13)))))
    claims, read = Claims(store, "sender"), []

    def clock() -> datetime:
        read.append(NOON)
        return NOON

    with store.write("send"):
        waiting = Thread(target=claims.claim, args=(["smtp"], clock))
        waiting.start()
        waiting.join(0.05)
        assert read == []
    waiting.join()
    assert read == [NOON]
    assert message_of(store, "a")["reason"] == "quiet_hours"


def test_two_contents_stay_apart(store: Store) -> None:
    reachable(store, "a", "b")
    enqueue(store, a_plan([planned(c, replace(MESSAGE, content=Content(c, c))) for c in "ab"]))
    claims = Claims(store, "sender")
    found = [claims.claim(["smtp"], at(NOON)) for _ in range(2)]
    assert {one.address: one.subject for one in found if isinstance(one, Claimed)} == {
        "a@shop.example": "a",
        "b@shop.example": "b",
    }


def test_taking_a_message_reads_no_table_from_end_to_end(store: Store) -> None:
    """With a queue of any length, and after any number of sent messages, the next one costs the same."""
    if not store.is_sqlite:
        pytest.skip("PostgreSQL scans tables that are this small")
    reachable(store, "a")
    enqueue(store, a_plan([planned(f"c{number}") for number in range(300)]))
    enqueue(store, a_plan([planned("a", occurrence="o1")], plan_id="p2"))
    asked: list[tuple[str, Any]] = []
    event.listen(store.engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
    claims = Claims(store, "sender")
    while not isinstance(taken := claims.claim(["smtp"], at(NOON)), Claimed):
        pass
    claims.settle(taken, Accepted(), NOON)
    owners(store, "sender")

    statements = {text: values for text, values in asked if text.startswith(("SELECT", "UPDATE"))}
    assert len(statements) > 8
    with store.engine.connect() as connection:
        for text, values in statements.items():
            steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
            # These indexes hold a row per connection, and a row per plan that is being stored.
            small = ("messages_under_way", "plans_incomplete")
            whole = [step for step in steps if step.startswith("SCAN") and not step.endswith(small)]
            assert not whole, text
            assert not ("messages_due" in str(steps) and "TEMP B-TREE" in str(steps)), text


def held_globally(share: float) -> ContactPolicy:
    return replace(POLICY, global_hold_out=GlobalHoldOut(share, ("promotion",)))


@pytest.mark.parametrize(
    ("share_then", "share_of_message", "days", "expected"),
    [
        (0.1, 0.1, -1, ("suppressed", "global_hold_out")),
        (0.1, 0.3, -1, ("suppressed", "global_hold_out")),
        # A plan of today draws the customer, after the message was planned without a global hold-out.
        (0.1, 0.0, 1, ("suppressed", "global_hold_out")),
        # The shop has ended, or reduced, the global hold-out since.
        (0.3, 0.1, -1, ("sent", "")),
        (0.3, 0.0, -1, ("sent", "")),
    ],
)
def test_a_message_to_the_global_hold_out_is_refused(
    store: Store, share_then: float, share_of_message: float, days: int, expected: tuple[str, str]
) -> None:
    reachable(store, "a")
    decided = held_out("a", outcome="suppressed", reason="global_hold_out", occurrence="o0", propensity=share_then)
    other = {"plan_id": "p0", "campaign_id": "c0", "planned_at": NOON + days * DAY}
    enqueue(store, a_plan([decided], policy=held_globally(share_then), **other))
    enqueue(store, a_plan([planned("a")], policy=held_globally(share_of_message)))
    sent_to(store, NOON)
    assert states(store) == {"a": expected}
