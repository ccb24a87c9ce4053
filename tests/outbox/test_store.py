"""The store opens once, refuses newer schemas, and its errors hold no personal data."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text

from outbox.errors import StoreError, StoreVersionError
from outbox.planning import enqueue
from outbox.sending.claims import Claimed, Claims
from outbox.status import status
from outbox.store import Store, open_store, store_url
from outbox.tables import SCHEMA_VERSION, messages, schema_version
from settings import ROOT, Settings
from tests.support.outbox.plans import NOON, a_plan, at, planned, reachable


def test_an_opened_store_is_opened_again_with_what_it_holds(tmp_path: Path) -> None:
    url = store_url(Settings(data=tmp_path))
    first = open_store(url)
    enqueue(first, a_plan([planned("a")]))
    first.close()

    again = open_store(url)

    with again.read() as connection:
        assert connection.execute(messages.select()).mappings().one()["customer_id"] == "a"
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    assert (tmp_path / "outbox" / "outbox.db").stat().st_mode & 0o777 == 0o600
    again.close()


def test_a_second_store_of_a_process_takes_no_lock_of_the_first_away(tmp_path: Path) -> None:
    url = store_url(Settings(data=tmp_path))
    first, second = open_store(url), open_store(url)
    # The last process that leaves an SQLite file deletes its log. This one must not believe that it is the last.
    subprocess.run(
        [sys.executable, "-c", f"from outbox.store import open_store; open_store({url!r}).close()"],
        cwd=ROOT,
        check=True,
    )
    reachable(first, "a")
    with closing(sqlite3.connect(tmp_path / "outbox" / "outbox.db")) as elsewhere:
        assert elsewhere.execute("SELECT count(*) FROM consents").fetchone() == (1,)
    first.close()
    second.close()


def test_a_newer_schema_is_refused_with_the_next_step(store: Store) -> None:
    with store.write("schema") as connection:
        connection.execute(schema_version.update().values(version=99))
    with pytest.raises(StoreVersionError, match=r"schema version 99.*Use the version of Reach that wrote it"):
        open_store(str(store.engine.url))


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:p@h/d", "sqlite://", "sqlite:////proc/nothing/here/outbox.db"])
def test_an_address_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(StoreError, match="outbox"):
        open_store(url)


def test_a_broken_constraint_is_reported_without_the_rows_values(store: Store) -> None:
    enqueue(store, a_plan([planned("customer-77")]))
    with pytest.raises(StoreError, match="known_state") as raised, store.write("plan") as connection:
        connection.execute(messages.update().values(state="gone"))
    assert "customer-77" not in str(raised.value)


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match="does not answer") as raised:
        open_store("postgresql://reach:secret-word@127.0.0.1:1/outbox")
    assert "secret-word" not in str(raised.value)


def test_a_store_of_the_first_version_is_upgraded_once_and_its_plans_are_whole(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    old = open_store(url)
    reachable(old, "a")
    enqueue(old, a_plan([planned("a")]))
    with old.write("schema") as connection:
        connection.execute(text("DROP INDEX plans_incomplete"))
        connection.execute(text("ALTER TABLE plans DROP COLUMN owner"))
        connection.execute(schema_version.update().values(version=1))
    old.close()
    for _ in range(2):
        upgraded = open_store(url)
        with upgraded.read() as connection:
            assert connection.execute(schema_version.select()).scalars().all() == [SCHEMA_VERSION]
        assert status(upgraded)["incomplete_plans"] == []
        upgraded.close()
    upgraded = open_store(url)
    assert isinstance(Claims(upgraded, "sender").claim(["smtp"], at(NOON)), Claimed)
    upgraded.close()


def test_a_failed_block_writes_nothing(store: Store) -> None:
    rolled_back: list[object] = []
    event.listen(store.engine, "rollback", rolled_back.append)
    with pytest.raises(ZeroDivisionError), store.write("plan") as connection:
        connection.execute(schema_version.insert(), {"version": 0})
        raise ZeroDivisionError
    with store.read() as connection:
        assert connection.execute(schema_version.select()).scalars().all() == [SCHEMA_VERSION]
    assert rolled_back
