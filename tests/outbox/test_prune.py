"""Texts of old messages go; those of messages that may still be sent stay."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from outbox.plan import Content
from outbox.planning import enqueue
from outbox.prune import Pruned, prune
from outbox.store import Store
from outbox.tables import contents, messages
from tests.support.outbox.plans import MESSAGE, NOON, a_plan, planned


def test_only_texts_that_old_settled_messages_had_are_deleted(store: Store) -> None:
    states = {"old": "sent", "new": "sent", "doubt": "in_doubt", "waits": "planned"}
    texts = {name: replace(MESSAGE, content=Content("For you", f"Text of {name}")) for name in states}
    enqueue(store, a_plan([planned(name, text) for name, text in texts.items()]))
    with store.write("send") as connection:
        for name, state in states.items():
            settled = NOON - timedelta(days=1 if name == "new" else 200)
            values = {"state": state, "settled_at": None if state == "planned" else settled}
            connection.execute(update(messages).where(messages.c.customer_id == name).values(values))

    assert prune(store, 180, NOON) == Pruned(texts=1, messages=1)
    assert prune(store, 180, NOON) == Pruned(texts=0, messages=0)

    with store.read() as connection:
        kept = set(connection.execute(select(contents.c.body_text)).scalars())
        assert kept == {"Text of new", "Text of doubt", "Text of waits"}
        assert len(connection.execute(select(messages.c.message_id)).all()) == 4


def test_a_text_that_a_newer_message_shares_stays(store: Store) -> None:
    enqueue(store, a_plan([planned("a"), planned("b")]))
    with store.write("send") as connection:
        old = {"state": "sent", "settled_at": NOON - timedelta(days=200)}
        connection.execute(update(messages).where(messages.c.customer_id == "a").values(old))
    assert prune(store, 180, NOON) == Pruned(texts=0, messages=1)
