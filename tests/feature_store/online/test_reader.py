"""One read a request: whole arrays, honest dates, None for strangers, and news seen without a restart."""

import os
import sqlite3
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feature_store.apply import apply
from feature_store.online.backends import LOCKED_MS
from feature_store.online.reader import OnlineFeatureReader
from features.errors import OnlineStoreUnavailableError
from settings import ROOT, Settings
from tests.support.feature_store.installation import AS_OF, run_all
from tests.support.feature_store.synthetic_features import HISTORY, PROFILE, TRAITS


@pytest.mark.parametrize("customer", ["c2", "c5", "c12"])  # empty arrays, usual ones, 1,500 elements
def test_online_equals_the_published_row(built: Settings, customer: str) -> None:
    row = OnlineFeatureReader(built).read(customer)
    assert row is not None
    for view, names in (("customer_history", ["product_ids", *HISTORY]), ("customer_profile", [*PROFILE, *TRAITS])):
        table = pq.read_table(built.paths.features / f"feat_{view}.parquet")
        newest = pc.and_(
            pc.equal(table["customer_id"], customer), pc.equal(table["event_timestamp"], built.start_of_day(AS_OF))
        )
        [source] = table.filter(newest).to_pylist()
        for name in names:
            found = row.pop(f"{view}__{name}")
            if name in HISTORY and view == "customer_history":
                assert found.dtype == np.float32
                np.testing.assert_array_equal(found, np.asarray(source[name], np.float32))
            else:
                assert found == source[name]
                assert type(found) is type(source[name])
    assert row == {"event_timestamp": built.start_of_day(AS_OF), "held": None}


def test_a_stranger_is_none(built: Settings) -> None:
    reader = OnlineFeatureReader(built)
    reader.warm_up()
    assert reader.read("nobody") is None
    assert reader.read("") is None


def test_some_customers_are_some_that_it_knows(built: Settings) -> None:
    reader = OnlineFeatureReader(built)
    found = reader.sample_ids(3)
    assert len(set(found)) == 3
    assert all(reader.read(customer) for customer in found)


def test_a_reader_sees_the_next_materialisation_without_a_restart(settings: Settings) -> None:
    run_all(settings, AS_OF - timedelta(days=14))
    reader = OnlineFeatureReader(settings)
    before = reader.read("c3")
    run_all(settings, AS_OF)
    after = reader.read("c3")
    assert before is not None
    assert after is not None
    assert before["event_timestamp"] == settings.start_of_day(AS_OF - timedelta(days=14))
    assert after["event_timestamp"] == settings.start_of_day(AS_OF)


def test_a_reader_made_before_the_first_materialisation_says_so_and_then_reads(settings: Settings) -> None:
    reader = OnlineFeatureReader(settings)
    with pytest.raises(OnlineStoreUnavailableError, match="Run 'make features' first"):
        reader.read("c3")
    run_all(settings, AS_OF)
    assert reader.read("c3") is not None


def test_applying_the_definitions_again_does_not_disturb_a_reader(copied: Settings) -> None:
    reader = OnlineFeatureReader(copied)
    assert reader.read("c3") is not None
    apply(copied)
    assert reader.read("c3") is not None
    assert OnlineFeatureReader(copied).read("c3") is not None


def test_a_customer_whose_rows_are_half_written_is_not_known_yet(copied: Settings) -> None:
    with sqlite3.connect((copied.paths.feast / "online.db").resolve()) as database:
        database.execute("DELETE FROM reach_customer_profile")

    assert OnlineFeatureReader(copied).read("c3") is None


def test_a_reader_loads_no_offline_store(built: Settings) -> None:
    code = (
        "import sys; from settings import load_settings; from feature_store.online.reader import OnlineFeatureReader; "
        "assert OnlineFeatureReader(load_settings()).read('c5'); print(*sys.modules)"
    )
    environment = os.environ | {"REACH_DATA": str(built.data), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "feast" in loaded
    assert not loaded & {"duckdb", "ibis", "dask"}


def test_a_locked_file_is_waited_for_briefly_and_read_again_when_it_is_free(copied: Settings) -> None:
    reader = OnlineFeatureReader(copied)
    assert reader.read("c3") is not None
    locked = sqlite3.connect((copied.paths.feast / "online.db").resolve(), isolation_level=None)
    locked.execute("PRAGMA locking_mode = EXCLUSIVE")
    locked.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OnlineStoreUnavailableError, match="locked"):
        reader.read("c3")
    locked.close()
    assert reader.read("c3") is not None
    store = reader._follower.current()[0]
    connection = store.provider.online_store._get_conn(store.config)
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (LOCKED_MS,)
