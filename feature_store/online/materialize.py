"""Bring the online store to the published features; incremental, and safe to kill and to run again."""

import warnings
from dataclasses import dataclass
from datetime import UTC, date

import duckdb
from feast import FeatureStore, FeatureView
from redis.exceptions import RedisError

from core.exclusive_lock import exclusive_lock
from events.errors import EventLogUnavailableError
from events.factory import open_recent_purchases
from feature_store.offline_store import open_store, publication_name, set_spill_directory, store_config
from feature_store.online.sqlite_generations import SqliteGenerations, current_state, generation_marker
from feature_store.online.state import OnlineState, can_update_incrementally, read_state, write_state
from features.errors import NotPublishedError, OnlineStoreUnavailableError
from features.publication import Publication, current_publication
from settings import Settings

_HISTORY = "feat_customer_history.parquet"


@dataclass(frozen=True)
class Materialized:
    """The outcome.

    customers: customers now in the online store.
    how: 'unchanged' (it already held this publication), 'incremental' or 'rebuilt'.
    """

    as_of: date
    customers: int
    how: str


def materialize(settings: Settings, as_of: date) -> Materialized:
    """Write the customers' newest features before `as_of` into the online store.

    Raises NotPublishedError if the published or the applied features are not those of `as_of`, and
    OnlineStoreUnavailableError if Redis does not answer.
    """
    publication = current_publication(settings.paths.features)
    if publication.as_of != as_of:
        raise NotPublishedError(
            f"The published features are those of {publication.as_of}, not of {as_of}. "
            f"Run '.venv/bin/python -m feature_store publish --as-of {as_of}' first."
        )
    with exclusive_lock(settings.paths.feast):
        applied = publication_name(open_store(settings))
        if applied != publication.name:
            raise NotPublishedError(
                f"The registry reads {applied}, but {publication.name} is published. "
                "Run '.venv/bin/python -m feature_store apply' first."
            )
        before = current_state(settings)
        how = (
            _into_redis(settings, publication)
            if settings.online_store == "redis"
            else _into_file(settings, publication)
        )
        if how != "unchanged" and before is not None:
            _forget_purchases(settings, before)
    return Materialized(as_of, _count_customers(settings, publication), how)


def _forget_purchases(settings: Settings, before: OnlineState) -> None:
    """Forget the live purchases that the features held already before this run.

    Not those that only the new ones hold: for a moment readers still have the old ones open, and who goes back to
    them shall find what they lack. They go next time.
    """
    if not before.complete or before.held is None:
        return
    recent = open_recent_purchases(settings)
    try:
        recent.evict_materialized(before.as_of_instant, before.held)
    except EventLogUnavailableError as error:
        print(f"Live purchases that are in the features now were not forgotten; the next run does it. {error}")
    finally:
        recent.close()


def _into_file(settings: Settings, publication: Publication) -> str:
    online = SqliteGenerations(settings.paths.feast)
    before = online.state()
    done = OnlineState.of(publication, "sqlite", complete=True)
    if before == done:
        return "unchanged"
    go_on = can_update_incrementally(before, publication, "sqlite", _customers_left(settings, before, publication))
    database = online.create(publication.name, copy=go_on)
    store = FeatureStore(config=store_config(settings, online_path=database))
    if not go_on:
        store.provider.update_infra(store.project, [], _online_views(store), [], [], partial=True)
    _write(store, publication, before if go_on else None)
    online.activate(database, done)
    return "incremental" if go_on else "rebuilt"


def _into_redis(settings: Settings, publication: Publication) -> str:
    """In place: Redis has no generations. Readers see each customer's old row or new row.

    While a rebuild empties it first, readers find nobody for a moment and fall back.
    """
    name = f"redis {settings.redis}"
    state = generation_marker(settings)
    before = read_state(state)
    go_on = can_update_incrementally(before, publication, name, _customers_left(settings, before, publication))
    store = open_store(settings)
    views = _online_views(store)
    write_state(state, OnlineState.of(publication, name, complete=False))
    try:
        if not go_on:
            store.provider.update_infra(store.project, views, [], [], [], partial=True)
        _write(store, publication, before if go_on else None)
    except RedisError as error:
        raise OnlineStoreUnavailableError(
            f"Redis at {settings.redis} does not answer: {error}. Start it and run again."
        ) from error
    write_state(state, OnlineState.of(publication, name, complete=True))
    return "incremental" if go_on else "rebuilt"


def _write(store: FeatureStore, publication: Publication, before: OnlineState | None) -> None:
    """Feast's materialisation over the time that is new, and no further back than a row is valid."""
    views = _online_views(store)
    start = publication.as_of_instant - max(view.ttl for view in views if view.ttl)
    if before is not None:
        start = max(start, before.as_of_instant)
    set_spill_directory(store)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ibis calls DuckDB by an older name
        store.materialize(
            start_date=start.replace(tzinfo=UTC),
            end_date=publication.as_of_instant.replace(tzinfo=UTC),
            feature_views=[view.name for view in views],
        )


def _online_views(store: FeatureStore) -> list[FeatureView]:
    return [view for view in store.list_feature_views() if view.online]


def _customers_left(settings: Settings, before: OnlineState | None, publication: Publication) -> bool:
    """Whether a customer of the earlier publication is no longer in this one (or nobody can tell any more)."""
    if before is None or before.publication == publication.name:
        return False
    features = settings.paths.features.parent
    earlier, now = features / before.publication / _HISTORY, features / publication.name / _HISTORY
    if not earlier.exists():
        return True
    with duckdb.connect() as connection:
        gone = connection.execute(
            "SELECT customer_id FROM read_parquet(?) EXCEPT SELECT customer_id FROM read_parquet(?) LIMIT 1",
            [str(earlier), str(now)],
        ).fetchone()
    return gone is not None


def _count_customers(settings: Settings, publication: Publication) -> int:
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(DISTINCT customer_id) FROM read_parquet(?) WHERE event_timestamp = ?",
            [str(settings.paths.features.parent / publication.name / _HISTORY), publication.as_of_instant],
        ).fetchone()
    assert found is not None  # an aggregate always has a row
    return int(found[0])
