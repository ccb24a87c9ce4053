"""History answers as of an instant, and without addresses."""

from datetime import timedelta

from sqlalchemy import update

from outbox import history
from outbox.customers.records import Consent, Contact, record_consents, record_contacts, suppress
from outbox.planning import enqueue
from outbox.store import Store
from outbox.tables import HARD_BOUNCE, messages
from tests.support.outbox.plans import NOON, a_plan, held_out, planned

DAY = timedelta(days=1)


def test_the_latest_consent_before_the_instant_holds(store: Store) -> None:
    given = [(True, NOON - 2 * DAY), (False, NOON - DAY), (True, NOON + DAY)]
    record_consents(store, [Consent("a", "email", "marketing", yes, since, "test") for yes, since in given])

    at = [history.consents_at(store, instant)["granted"].to_pylist() for instant in (NOON - 2 * DAY, NOON, NOON + DAY)]

    assert at == [[True], [False], [True]]
    assert history.consents_at(store, NOON - 3 * DAY).num_rows == 0


def test_of_a_yes_and_a_no_at_one_instant_the_no_holds(store: Store) -> None:
    rows = [Consent("a", "email", "marketing", yes, NOON, "test") for yes in (False, True)]
    assert [record_consents(store, rows), record_consents(store, rows)] == [2, 0]
    assert history.consents_at(store, NOON)["granted"].to_pylist() == [False]


def test_contacts_show_no_address(store: Store) -> None:
    record_contacts(store, [Contact("a", "email", "a@shop.example", "Europe/Berlin", NOON)])
    found = history.contacts_at(store, NOON)
    assert found.to_pylist() == [
        {"customer_id": "a", "channel": "email", "timezone": "Europe/Berlin", "updated_at": NOON}
    ]
    assert history.contacts_at(store, NOON - DAY).num_rows == 0


def test_a_hard_bounce_ends_with_a_newer_address(store: Store) -> None:
    record_contacts(store, [Contact(c, "email", "old@shop.example", None, NOON - DAY) for c in "ab"])
    suppress(store, "a", "email", HARD_BOUNCE, NOON)
    suppress(store, "b", "email", "complaint", NOON)
    assert history.suppressions_at(store, NOON)["customer_id"].to_pylist() == ["a", "b"]

    record_contacts(store, [Contact(c, "email", "new@shop.example", None, NOON + DAY) for c in "ab"])

    assert history.suppressions_at(store, NOON + DAY)["customer_id"].to_pylist() == ["b"]


def test_messages_that_count_and_those_that_wait(store: Store) -> None:
    enqueue(store, a_plan([planned("a"), planned("b"), planned("c"), held_out("d")]))
    with store.write("send") as connection:
        sent = {"state": "sent", "sending_at": NOON}
        connection.execute(update(messages).where(messages.c.customer_id == "a").values(sent))
        gone = {"state": "suppressed", "reason": "frequency_cap"}
        connection.execute(update(messages).where(messages.c.customer_id == "b").values(gone))

    found = history.messages_since(store, NOON - 2 * DAY).sort_by("customer_id").to_pylist()

    assert [(row["customer_id"], row["state"], row["at"]) for row in found] == [
        ("a", "sent", NOON),
        ("c", "planned", NOON - DAY),
    ]
    assert history.messages_since(store, NOON).num_rows == 0
    assert history.messages_since(store, NOON - 2 * DAY, ["receipt"]).num_rows == 0


def test_a_campaign_runs_while_a_message_may_still_leave(store: Store) -> None:
    enqueue(store, a_plan([planned("a"), planned("b")]))
    assert history.running_campaigns(store, NOON).to_pylist() == [
        {"campaign_id": "c1", "campaign_version": "1", "waiting": 2, "until": NOON + 7 * DAY}
    ]
    assert history.running_campaigns(store, NOON + 8 * DAY).num_rows == 0


def test_the_occurrences_of_a_campaign_include_the_hold_out(store: Store) -> None:
    enqueue(store, a_plan([planned("a"), held_out("b")]))
    found = history.occurrences(store, "c1").sort_by("customer_id").to_pylist()
    assert [(row["customer_id"], row["outcome"]) for row in found] == [("a", "planned"), ("b", "held_out")]
    assert history.occurrences(store, "other").num_rows == 0
