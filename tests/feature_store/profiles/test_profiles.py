"""The online store answers with the published scores, in SQLite and in Redis, and leaves the recommender's alone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import redis

from customer_scores.errors import ScoresNotPublishedError
from customer_scores.publish import publish
from feature_store.online.reader import OnlineFeatureReader
from feature_store.profiles.materialize import MaterializedProfiles, materialize_profiles
from feature_store.profiles.reader import PUBLICATION, ProfileReader
from features.errors import OnlineStoreUnavailableError
from settings import Settings
from tests.support.customer_scores.scores import AS_OF, CUSTOMERS, stage_scores
from tests.support.feature_store.installation import run_all
from tests.support.servers.redis_server import PASSWORD, redis_server

WEEK = timedelta(weeks=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as (address, _):
        yield address


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.redis)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An installation without scores, whose store is empty."""
    if request.param == "sqlite":
        return Settings(data=tmp_path / "data", snapshots=5)
    address: str = request.getfixturevalue("server")
    host, port = address.split(":")
    redis.Redis(host, int(port), password=PASSWORD).flushall()
    return Settings(data=tmp_path / "data", snapshots=5, online_store="redis", redis=address, redis_password=PASSWORD)


def put_online(settings: Settings, week: int = 0, **what: Any) -> MaterializedProfiles:
    as_of = AS_OF + week * WEEK
    stage_scores(settings, as_of, **what)
    publish(settings, as_of)
    return materialize_profiles(settings, as_of)


def published(settings: Settings, view: str) -> dict[str, dict[str, Any]]:
    """The rows of a packed table by customer, as the reader names its values."""
    rows = pq.read_table(settings.paths.customers / "profiles" / f"{view}.parquet").to_pylist()
    times = {"event_timestamp", "created_timestamp", "customer_id"}
    return {
        row["customer_id"]: {f"{view}__{name}": value for name, value in row.items() if name not in times}
        | {f"{view}__as_of": row["event_timestamp"]}
        for row in rows
    }


def test_every_profile_is_what_was_published(settings: Settings) -> None:
    done = put_online(settings)
    assert (done.how, done.customers, done.expired) == ("rebuilt", len(CUSTOMERS), [])
    reader = ProfileReader(settings)
    tables = [published(settings, view) for view in ("customer_predictions", "customer_tags", "customer_segments")]
    for customer_id in CUSTOMERS:
        profile = reader.read(customer_id)
        assert profile is not None
        assert profile.pop(PUBLICATION) == done.publication
        assert profile == tables[0][customer_id] | tables[1][customer_id] | tables[2][customer_id]
    assert reader.read("nobody") is None


def test_an_open_reader_follows_the_next_publication(settings: Settings) -> None:
    put_online(settings)
    reader = ProfileReader(settings)
    assert reader.read("30")
    done = put_online(settings, week=1, customers=CUSTOMERS[:-1], seed=8)
    assert done.how == "rebuilt"  # a customer left
    assert reader.read("30") is None
    profile = reader.read("1")
    assert profile is not None
    assert profile[PUBLICATION] == done.publication
    assert put_online(settings, week=2, customers=CUSTOMERS[:-1]).how == "incremental"


def test_a_part_without_news_is_served_until_it_expires(settings: Settings) -> None:
    put_online(settings)
    put_online(settings, week=1, parts=("predictions", "segments"))
    profile = ProfileReader(settings).read("1")
    assert profile is not None
    assert profile["customer_tags__as_of"] == settings.start_of_day(AS_OF)
    assert profile["customer_predictions__as_of"] == settings.start_of_day(AS_OF + WEEK)
    done = put_online(settings, week=4, parts=("predictions", "segments"))
    assert done.expired == ["customer_tags"]
    profile = ProfileReader(settings).read("1")
    assert profile is not None
    assert not [name for name in profile if name.startswith("customer_tags")]


def test_the_recommenders_rows_and_registry_stay_as_they_were(settings: Settings) -> None:
    run_all(settings, AS_OF)
    reader = OnlineFeatureReader(settings)
    known = reader.sample_ids(5)
    before = {customer_id: repr(reader.read(customer_id)) for customer_id in known}
    registry = (settings.paths.feast / "registry.db").read_bytes()
    put_online(settings)
    assert known
    assert {customer_id: repr(reader.read(customer_id)) for customer_id in known} == before
    assert OnlineFeatureReader(settings).sample_ids(5) == known
    assert (settings.paths.feast / "registry.db").read_bytes() == registry


def test_without_published_scores_the_error_names_the_next_step(settings: Settings) -> None:
    with pytest.raises(ScoresNotPublishedError, match="score_customers"):
        materialize_profiles(settings, AS_OF)
    with pytest.raises(ScoresNotPublishedError, match="score_customers"):
        ProfileReader(settings).read("1")


def test_a_damaged_store_is_an_error_and_not_an_unknown_customer(settings: Settings) -> None:
    put_online(settings)
    (settings.paths.profiles / "registry.db").write_bytes(b"")
    with pytest.raises(OnlineStoreUnavailableError):
        ProfileReader(settings).read("1")
