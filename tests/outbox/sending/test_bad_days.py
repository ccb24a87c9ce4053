"""The store is locked, full or gone: nothing is lost, nothing is sent twice, and the error names the next step."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from outbox import store as module
from outbox.channels.channel import Accepted, Outcome, Outgoing
from outbox.errors import StoreBusyError, StoreError
from outbox.planning import enqueue
from outbox.sending import sender as sending
from outbox.status import status
from outbox.store import Store, open_store
from outbox.tables import decisions
from tests.outbox.sending.test_sender import Recorder, run, sender
from tests.support.outbox.mail_sink import MailSink, mail_sink
from tests.support.outbox.plans import a_plan, planned, reachable
from tests.support.outbox.rows import states


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store that gives a lock up after 20 ms."""
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.02)
    monkeypatch.setattr(sending, "POLL_SECONDS", 0.01)
    found = open_store(f"sqlite:///{tmp_path}/outbox.db")
    reachable(found, "a", "b")
    enqueue(found, a_plan([planned("a"), planned("b")]))
    yield found
    found.close()


@pytest.fixture
def other(store: Store) -> Iterator[sqlite3.Connection]:
    """Another program's connection."""
    found = sqlite3.connect(str(store.engine.url.database), isolation_level=None, check_same_thread=False)
    yield found
    found.close()


def test_a_run_against_a_locked_store_sends_nothing_and_names_the_next_step(
    store: Store, other: sqlite3.Connection
) -> None:
    channel = Recorder()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="Find the process that writes to it, then try again"):
        run(store, channel)
    assert channel.ids == []
    other.execute("ROLLBACK")
    assert run(store, channel).states == {"sent": 2}


def test_a_plan_for_a_locked_store_is_stored_whole_later(store: Store, other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    plan = a_plan([planned("c")], plan_id="p2")
    with pytest.raises(StoreBusyError, match="nothing was written"):
        enqueue(store, plan)
    other.execute("ROLLBACK")
    assert enqueue(store, plan).planned == 1


def test_a_store_that_is_locked_after_the_server_took_the_message_gets_the_outcome_later(
    store: Store, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locking(_: Outgoing) -> Outcome:
        other.execute("BEGIN IMMEDIATE")
        return Accepted("250")

    class Unlocking:
        def warning(self, *_: object) -> None:
            other.execute("ROLLBACK")

        info = warning

    monkeypatch.setattr(sending, "log", Unlocking())
    channel = Recorder(locking)
    assert run(store, channel).states == {"sent": 2}
    assert set(states(store).values()) == {("sent", "")}
    assert len(channel.ids) == 2


def test_a_full_disk_leaves_a_plan_unfinished_and_sends_nothing_of_it(store: Store) -> None:
    def full(connection: sqlite3.Connection, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    store.engine.dispose()
    event.listen(store.engine, "connect", full)
    with pytest.raises(StoreError, match=r"disk is full. Nothing was written; start the database or free the disk"):
        enqueue(store, a_plan([planned(f"c{number}") for number in range(500)], plan_id="p2"))
    assert status(store)["incomplete_plans"] in ([], ["p2"])
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(decisions)).scalar_one() == 2
    event.remove(store.engine, "connect", full)
    store.engine.dispose()
    assert run(store, Recorder()).states == {"sent": 2}


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"not a database, and longer than its header of 100 bytes " * 20)
    with pytest.raises(StoreError, match=r"broken\.db does not answer: file is not a database"):
        open_store(f"sqlite:///{tmp_path}/broken.db")


def test_a_server_that_ends_in_the_middle_of_a_run_gets_the_rest_later(store: Store) -> None:
    with mail_sink() as first:
        channel = first.channel()
        one = sender(store, channel)
        deliver = channel.deliver

        def last(outgoing: Outgoing) -> Outcome:
            found = deliver(outgoing)
            one.stop()
            return found

        channel.deliver = last
        one.run()
        assert len(first.received) == 1
    with mail_sink() as second:
        run(store, second.channel())
        assert len(second.received) == 1
    both: list[MailSink] = [first, second]
    assert sorted(address for sink in both for address in sink.addresses) == ["a@shop.example", "b@shop.example"]
