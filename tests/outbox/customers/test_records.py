"""Addresses keep their newest value, and an erasure leaves nothing but counts."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select, update

from outbox.customers.records import Contact, Erased, erase, record_contacts
from outbox.plan import Content
from outbox.planning import enqueue
from outbox.store import Store
from outbox.tables import consents, contacts, contents, decisions, messages, suppressions
from tests.support.outbox.plans import MESSAGE, NOON, a_plan, held_out, planned, reachable


def test_an_older_address_never_replaces_a_newer_one(store: Store) -> None:
    newer, older = NOON, NOON - timedelta(days=1)
    record_contacts(store, [Contact("a", "email", "new@shop.example", None, newer)])
    record_contacts(store, [Contact("a", "email", "old@shop.example", None, older)])
    with store.read() as connection:
        assert connection.execute(select(contacts.c.address)).scalar_one() == "new@shop.example"


def test_an_erased_customer_leaves_counts_and_a_suppression(store: Store, tmp_path: Path) -> None:
    own = replace(MESSAGE, content=Content("For you", "Dear Ms Erasable-Name"))
    enqueue(store, a_plan([planned("erasable-77", own), planned("b")]))
    later = planned("erasable-77", own, occurrence="campaign:c2")
    enqueue(store, a_plan([later], plan_id="p2", campaign_id="c2"))
    enqueue(store, a_plan([held_out("erasable-77", occurrence="campaign:c3")], plan_id="p3", campaign_id="c3"))
    reachable(store, "erasable-77", "b")
    with store.write("send") as connection:
        connection.execute(update(messages).where(messages.c.campaign_id == "c2").values(state="sent"))

    assert erase(store, "erasable-77") == Erased(1, 1, 1, 1, 3)

    with store.read() as connection:
        assert connection.execute(select(contacts.c.customer_id)).scalars().all() == ["b"]
        assert connection.execute(select(consents.c.customer_id)).scalars().all() == ["b"]
        assert connection.execute(select(contents.c.body_text)).scalars().all() == ["Text"]
        assert connection.execute(select(suppressions.c.channel, suppressions.c.reason)).all() == [("*", "erased")]
        found = connection.execute(select(messages.c.customer_id, messages.c.state, messages.c.reason)).all()
        arms = connection.execute(select(decisions.c.variant, func.count()).group_by(decisions.c.variant)).all()
        names = set(connection.execute(select(decisions.c.customer_id)).scalars())
    assert sorted((state, reason) for _, state, reason in found) == [
        ("planned", "waits"),
        ("sent", "waits"),
        ("suppressed", "erased"),
    ]
    assert sorted(arms) == [("hold_out", 1), ("treated", 3)]
    assert "erasable-77" not in names
    assert len(names) == 2  # one random name for all rows of the customer
    # The id stays on the suppression list; name and address are in no byte of the files.
    files = b"".join(file.read_bytes() for file in tmp_path.glob("outbox.db*"))
    assert b"Erasable-Name" not in files
    assert b"erasable-77@" not in files


def test_an_erased_customer_is_not_planned_again(store: Store) -> None:
    enqueue(store, a_plan([planned("a")]))
    erase(store, "a")

    again = enqueue(store, a_plan([planned("a"), held_out("b")], plan_id="p2"))

    assert (again.planned, again.held_out, again.erased) == (0, 1, 1)
    with store.read() as connection:
        assert "a" not in connection.execute(select(decisions.c.customer_id)).scalars().all()
