"""The online store holds exactly the published customers, whatever happened on the way."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from feast.infra.online_stores.sqlite import SqliteOnlineStore

from feature_store.apply import apply
from feature_store.offline_store import historical_table, open_store
from feature_store.online.materialize import materialize
from feature_store.online.reader import OnlineFeatureReader
from feature_store.publish import publish
from features.errors import NotPublishedError
from settings import Settings
from tests.support.feature_store.installation import AS_OF, run_all, stage
from tests.support.feature_store.killed_steps import run_and_kill_before, run_and_kill_while_writing

CUSTOMERS = [f"c{n}" for n in range(1, 13)]
EARLIER = AS_OF - timedelta(days=28)


def online(settings: Settings) -> dict[str, Any]:
    """Return the online features of all customers of the tests."""
    reader = OnlineFeatureReader(settings)
    found = {customer: reader.read(customer) for customer in [*CUSTOMERS, "c13", "c14"]}
    return {
        customer: {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in row.items()}
        for customer, row in found.items()
        if row is not None
    }


def ready(settings: Settings, as_of: date, **shape: int) -> None:
    """Everything but the materialisation."""
    stage(settings, as_of, **shape)
    publish(settings, as_of)
    apply(settings)


def test_every_customer_gets_the_newest_row_before_the_day(built: Settings) -> None:
    rows = online(built)
    assert sorted(rows) == sorted(CUSTOMERS)
    assert {row["event_timestamp"] for row in rows.values()} == {built.start_of_day(AS_OF)}
    source = pq.read_table(built.paths.features / "feat_customer_profile.parquet")
    newest = source.filter(pc.equal(source["event_timestamp"], built.start_of_day(AS_OF))).to_pylist()
    assert len(newest) == 12
    for row in newest:
        assert rows[row["customer_id"]]["customer_profile__spend_13w"] == row["spend_13w"]


def test_twice_is_once(copied: Settings) -> None:
    before = online(copied)
    done = materialize(copied, AS_OF)
    assert (done.customers, done.how) == (12, "unchanged")
    assert online(copied) == before


def test_a_later_day_is_incremental_and_equals_a_rebuild(settings: Settings, build: Callable[..., Settings]) -> None:
    run_all(settings, EARLIER, customers=10)
    ready(settings, AS_OF)
    done = materialize(settings, AS_OF)
    assert (done.customers, done.how) == (12, "incremental")
    assert online(settings) == online(build())


def test_corrected_features_of_the_same_day_replace_the_old_ones(
    settings: Settings, build: Callable[..., Settings]
) -> None:
    run_all(settings, AS_OF, seed=2)
    ready(settings, AS_OF)
    assert materialize(settings, AS_OF).how == "incremental"
    assert online(settings) == online(build())


@pytest.mark.parametrize("customers", [12, 14])  # the same ones, or two new ones since the earlier day
def test_an_earlier_day_leaves_nothing_newer(
    settings: Settings, build: Callable[..., Settings], customers: int
) -> None:
    run_all(settings, AS_OF, customers=customers)
    ready(settings, EARLIER)
    assert materialize(settings, EARLIER).how == "rebuilt"
    rows = online(settings)
    assert rows == online(build(EARLIER))
    assert {row["event_timestamp"] for row in rows.values()} == {settings.start_of_day(EARLIER)}


def test_a_customer_who_left_the_tables_leaves_the_store(settings: Settings) -> None:
    run_all(settings, EARLIER, customers=14)
    assert "c14" in online(settings)
    ready(settings, AS_OF)
    assert materialize(settings, AS_OF).how == "rebuilt"
    assert sorted(online(settings)) == sorted(CUSTOMERS)


def test_a_kill_while_rows_are_written_is_invisible_and_the_next_run_finishes(
    settings: Settings, build: Callable[..., Settings]
) -> None:
    run_all(settings, EARLIER, customers=10)
    before = online(settings)
    ready(settings, AS_OF)

    assert run_and_kill_while_writing(5, materialize, settings, AS_OF)
    assert online(settings) == before

    materialize(settings, AS_OF)
    assert online(settings) == online(build())


def test_a_kill_at_any_step_is_invisible_or_complete(settings: Settings, build: Callable[..., Settings]) -> None:
    expected = online(build())
    run_all(settings, EARLIER, customers=10)
    before = online(settings)
    ready(settings, AS_OF)
    moment = 0
    while run_and_kill_before(moment := moment + 1, materialize, settings, AS_OF):
        assert online(settings) in (before, expected)
    assert online(settings) == expected
    assert moment > 4  # folder, two views, state, link
    assert len(list((settings.paths.feast / "online").iterdir())) <= 2  # killed runs' files were swept


def test_after_a_kill_an_earlier_day_still_leaves_nothing_newer(
    settings: Settings, build: Callable[..., Settings]
) -> None:
    run_all(settings, EARLIER)
    ready(settings, AS_OF, customers=14)
    assert run_and_kill_while_writing(14, materialize, settings, AS_OF)
    ready(settings, EARLIER)
    materialize(settings, EARLIER)
    assert online(settings) == online(build(EARLIER))


def test_readers_never_fail_while_materialising(settings: Settings) -> None:
    run_all(settings, EARLIER, history_length=200)
    lasting = OnlineFeatureReader(settings)
    lasting.warm_up()
    stop = threading.Event()
    failures: list[Exception] = []
    seen: set[Any] = set()

    def read(open_reader: Callable[[], OnlineFeatureReader]) -> None:
        try:
            while not stop.is_set():
                reader = open_reader()
                for customer in CUSTOMERS[2:]:
                    row = reader.read(customer)
                    assert row is not None, customer
                    lengths = {len(value) for value in row.values() if isinstance(value, np.ndarray)}
                    assert len(lengths) == 1  # one row's arrays, not two rows' mixed
                    seen.add(row["event_timestamp"])
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(target=read, args=[lambda: lasting]),
        threading.Thread(target=read, args=[lambda: lasting]),
        threading.Thread(target=read, args=[lambda: OnlineFeatureReader(settings)]),
    ]
    for thread in threads:
        thread.start()
    try:
        for as_of in (EARLIER + timedelta(days=14), AS_OF, EARLIER):
            ready(settings, as_of, history_length=200)
            materialize(settings, as_of)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[0]
    assert len(seen) > 1


def test_a_process_that_opens_the_store_in_the_middle_reads_online_and_offline(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(settings, EARLIER)
    ready(settings, AS_OF)
    asked = pd.DataFrame({"customer_id": ["c3"], "event_timestamp": [settings.start_of_day(AS_OF)]})
    found = []
    real = SqliteOnlineStore.online_write_batch

    def write(*arguments: Any, **named: Any) -> None:
        row = OnlineFeatureReader(settings).read("c3")
        assert row is not None
        found.append(row["event_timestamp"])
        assert historical_table(open_store(settings), "retrieval_query_v1", asked).to_pandas().notna().all(axis=None)
        real(*arguments, **named)

    monkeypatch.setattr(SqliteOnlineStore, "online_write_batch", write)
    materialize(settings, AS_OF)

    assert found == [settings.start_of_day(EARLIER)] * 2  # once a view


def test_the_day_must_be_the_published_and_applied_one(copied: Settings) -> None:
    with pytest.raises(NotPublishedError, match="published features are those of 2018-01-01, not of 2017-12-04"):
        materialize(copied, EARLIER)
    stage(copied, AS_OF, seed=9)
    publish(copied, AS_OF)
    with pytest.raises(NotPublishedError, match=r"Run '\.venv/bin/python -m feature_store apply' first"):
        materialize(copied, AS_OF)


def test_a_store_that_feast_made_by_hand_is_taken_for_empty(copied: Settings) -> None:
    """`feast apply` and `feast materialize` leave a file instead of our link, with unknown content."""
    link = copied.paths.feast / "online.db"
    content = link.read_bytes()
    link.unlink()
    link.write_bytes(content)
    with sqlite3.connect(link) as connection:
        connection.execute("DELETE FROM reach_customer_history")
    assert materialize(copied, AS_OF).how == "rebuilt"
    assert sorted(online(copied)) == sorted(CUSTOMERS)
