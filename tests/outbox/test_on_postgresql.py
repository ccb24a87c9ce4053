"""The same sentences hold on PostgreSQL: the tests of the store's users, with another store."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from outbox.errors import StoreBusyError, StoreError
from outbox.planning import enqueue
from outbox.sending.claims import Claimed, Claims
from outbox.sending.liveness import OwnerLock
from outbox.sending.recovery import owners
from outbox.store import Store, _errors, open_store
from outbox.tables import messages, metadata
from tests.outbox.channels.test_exports import *  # noqa: F403
from tests.outbox.customers.test_records import *  # noqa: F403
from tests.outbox.customers.test_unsubscribe import *  # noqa: F403
from tests.outbox.imports.test_admission import *  # noqa: F403
from tests.outbox.sending.test_rules import *  # noqa: F403
from tests.outbox.sending.test_sender import *  # noqa: F403
from tests.outbox.test_history import *  # noqa: F403
from tests.outbox.test_planning import *  # noqa: F403
from tests.support.outbox.plans import NOON, a_plan, at, planned, reachable
from tests.support.servers.postgres_server import postgres_server

pytestmark = [pytest.mark.integration, pytest.mark.postgres]

PASSWORD = "a-secret-word"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_server(PASSWORD) as port:
        yield f"postgresql://airflow:{PASSWORD}@127.0.0.1:{port}/airflow"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store in PostgreSQL."""
    found = open_store(url)
    yield found
    with found.engine.begin() as connection:
        metadata.drop_all(connection)
    found.close()


def test_two_programs_may_create_the_tables_at_once(store: Store, url: str) -> None:
    again = open_store(url)
    with again.read() as connection:
        assert connection.execute(messages.select()).all() == []
    again.close()


def test_a_sender_on_another_machine_is_seen_dead_as_soon_as_it_has_stopped(store: Store, url: str) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a")]))
    elsewhere = open_store(url)
    with OwnerLock(store) as here:
        with OwnerLock(elsewhere) as there:
            assert isinstance(Claims(elsewhere, there.owner).claim(["smtp"], at(NOON)), Claimed)
            assert owners(store, here.owner) == [there.owner]
            assert not here.is_dead(there.owner)
        assert here.is_dead(there.owner)
        assert here.is_dead(there.owner)
    elsewhere.close()


def test_a_sender_on_another_machine_is_seen_dead_after_its_session_was_ended(store: Store, url: str) -> None:
    elsewhere = open_store(url)
    with OwnerLock(store) as here, OwnerLock(elsewhere) as there:
        with store.write("plan") as connection:
            ended = connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory' AND pid <> "
                    "pg_backend_pid() AND (classid::bigint << 32) + objid::bigint = :key"
                ),
                {"key": int(there.owner, 16)},
            )
            assert ended.scalars().all() == [True]
        assert here.is_dead(there.owner)
    elsewhere.close()


def test_a_held_lock_ends_in_an_error_with_the_next_step(store: Store, url: str) -> None:
    other = open_store(url)
    with (
        store.write("plan"),
        pytest.raises(StoreBusyError, match="Find the process"),
        other.engine.connect() as waiting,
    ):
        waiting.execute(text("SET lock_timeout = 50"))
        with _errors(other.engine.url):
            waiting.execute(text("SELECT pg_advisory_xact_lock(7110002)"))
    other.close()


def test_a_store_that_goes_away_is_named_without_its_password(store: Store, url: str) -> None:
    with pytest.raises(StoreError, match="does not answer") as raised, store.read() as connection:
        number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other = open_store(url)
        with other.engine.begin() as killing:
            killing.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
        other.close()
        connection.execute(messages.select())
    assert PASSWORD not in str(raised.value)
    with store.read() as connection:
        assert connection.execute(messages.select()).all() == []
