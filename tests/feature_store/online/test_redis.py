"""The same promises on a real Redis server, which the test starts on a free port of the loopback."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from feature_store.online.materialize import materialize
from feature_store.online.reader import OnlineFeatureReader
from features.errors import OnlineStoreUnavailableError
from settings import Settings
from tests.feature_store.online.test_materialize import CUSTOMERS, EARLIER, online, ready
from tests.support.feature_store.installation import AS_OF, run_all
from tests.support.feature_store.killed_steps import run_and_kill_before_redis_forgets, run_and_kill_while_writing
from tests.support.servers.redis_server import PASSWORD, redis_server

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis server of our own: its address and its process."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def on_redis(server: tuple[str, subprocess.Popen[bytes]], tmp_path: Path) -> Settings:
    """An installation whose online store is the server, emptied."""
    address, _ = server
    host, port = address.split(":")
    redis.Redis(host, int(port), password=PASSWORD).flushall()
    return Settings(data=tmp_path / "data", snapshots=5, online_store="redis", redis=address, redis_password=PASSWORD)


def test_redis_holds_the_same_rows_as_sqlite(on_redis: Settings, build: Callable[..., Settings]) -> None:
    run_all(on_redis, AS_OF, longest=1500)
    assert online(on_redis) == online(build(longest=1500))
    assert materialize(on_redis, AS_OF).how == "incremental"
    assert online(on_redis) == online(build(longest=1500))
    assert not (on_redis.paths.feast / "online.db").exists()


def test_some_customers_are_found_among_whatever_else_is_kept_there(on_redis: Settings) -> None:
    run_all(on_redis, AS_OF)
    host, port = on_redis.redis.split(":")
    client = redis.Redis(host, int(port), password=PASSWORD)
    for number in range(50):
        client.hset(f"reach:recent:customer_id{number}reach", "e", "{}")
    found = OnlineFeatureReader(on_redis).sample_ids(3)
    assert len(found) == 3
    assert set(found) <= set(online(on_redis))


def test_corrected_features_of_the_same_day_replace_the_old_ones(
    on_redis: Settings, build: Callable[..., Settings]
) -> None:
    run_all(on_redis, AS_OF, seed=2)
    run_all(on_redis, AS_OF)
    assert online(on_redis) == online(build())


def test_an_earlier_day_leaves_nothing_newer(on_redis: Settings, build: Callable[..., Settings]) -> None:
    run_all(on_redis, AS_OF, customers=14)
    ready(on_redis, EARLIER)
    assert materialize(on_redis, EARLIER).how == "rebuilt"
    assert online(on_redis) == online(build(EARLIER))


def test_after_a_kill_in_the_middle_the_next_run_gives_the_same_rows(
    on_redis: Settings, build: Callable[..., Settings]
) -> None:
    run_all(on_redis, EARLIER, customers=10)
    ready(on_redis, AS_OF)
    assert run_and_kill_while_writing(5, materialize, on_redis, AS_OF)
    assert len(online(on_redis)) >= 10  # in place: some customers are new already, none is lost
    materialize(on_redis, AS_OF)
    assert online(on_redis) == online(build())


def test_after_a_kill_an_earlier_day_still_leaves_nothing_newer(
    on_redis: Settings, build: Callable[..., Settings]
) -> None:
    run_all(on_redis, EARLIER)
    ready(on_redis, AS_OF, customers=14)
    assert run_and_kill_while_writing(14, materialize, on_redis, AS_OF)
    ready(on_redis, EARLIER)
    materialize(on_redis, EARLIER)
    assert online(on_redis) == online(build(EARLIER))


def test_after_a_kill_before_old_rows_were_deleted_the_next_run_deletes_them(on_redis: Settings) -> None:
    run_all(on_redis, EARLIER, customers=14)
    ready(on_redis, AS_OF)
    assert run_and_kill_before_redis_forgets(materialize, on_redis, AS_OF)
    assert len(online(on_redis)) == 14
    assert materialize(on_redis, AS_OF).how == "rebuilt"
    assert sorted(online(on_redis)) == sorted(CUSTOMERS)


def test_an_emptied_server_is_filled_again_by_the_next_run(on_redis: Settings) -> None:
    run_all(on_redis, AS_OF)
    host, port = on_redis.redis.split(":")
    redis.Redis(host, int(port), password=PASSWORD).flushall()
    assert online(on_redis) == {}
    materialize(on_redis, AS_OF)
    assert sorted(online(on_redis)) == sorted(CUSTOMERS)


def test_a_hung_server_costs_a_reader_its_deadline_and_not_more(
    server: tuple[str, subprocess.Popen[bytes]], on_redis: Settings
) -> None:
    run_all(on_redis, AS_OF)
    reader = OnlineFeatureReader(on_redis, deadline_seconds=0.2)
    assert reader.read("c3") is not None
    _, process = server
    process.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(OnlineStoreUnavailableError, match="Timeout"):
            reader.read("c3")
        waited = time.monotonic() - started
    finally:
        process.send_signal(signal.SIGCONT)
    assert waited < timedelta(seconds=5).total_seconds()  # without the deadline it blocks for ever
    assert reader.read("c3") is not None


def test_no_server_is_an_error_at_once(on_redis: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = on_redis.model_copy(update={"redis": f"127.0.0.1:{free.getsockname()[1]}"})
    ready(nobody, AS_OF)
    with pytest.raises(OnlineStoreUnavailableError, match=r"Redis at 127\.0\.0\.1:\d+ does not answer"):
        materialize(nobody, AS_OF)
    with pytest.raises(OnlineStoreUnavailableError):
        OnlineFeatureReader(nobody).read("c3")
