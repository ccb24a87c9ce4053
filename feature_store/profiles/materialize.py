"""Bring the online store to the published scores: apply the views, then write; safe to kill and to run again."""

import warnings
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from feast import FeatureService, FeatureStore, FeatureView

from core.duckdb_engine import read_parquet
from core.files.lock import exclusive_lock
from customer_scores.errors import ScoresNotPublishedError
from customer_scores.publication import PROFILES, PUBLISH, ScoresPublication, current_publication
from feature_repo.profiles import profile_objects
from feature_store.offline_store import set_spill_directory
from feature_store.online.state import OnlineState, can_update_incrementally
from feature_store.profiles.store import profiles_backend, profiles_config
from settings import Settings


@dataclass(frozen=True)
class MaterializedProfiles:
    """The outcome.

    Attributes:
        publication: The publication that the store holds.
        customers: Customers with a profile.
        how: 'unchanged' (it already held this publication), 'incremental' or 'rebuilt'.
        expired: Views whose scores are older than their validity; no reader uses them any more.
    """

    publication: ScoresPublication
    customers: int
    how: str
    expired: list[str]


def materialize_profiles(settings: Settings, as_of: date) -> MaterializedProfiles:
    """Write the published scores of `as_of` into the online store of profiles.

    Raises:
        ScoresNotPublishedError: The published scores are not those of `as_of`.
        OnlineStoreUnavailableError: Redis does not answer.
    """
    publication = current_publication(settings.paths.customers)
    if publication.as_of != as_of:
        raise ScoresNotPublishedError(
            f"The published scores are those of {publication.as_of}, not of {as_of}. {PUBLISH}"
        )
    folder = settings.paths.customers.parent / publication.name / PROFILES
    with exclusive_lock(settings.paths.profiles):
        objects = profile_objects(folder, timedelta(weeks=settings.snapshot_weeks))
        views = [thing for thing in objects if isinstance(thing, FeatureView)]
        valid = {
            view.name: _newest(folder, view) > publication.as_of_instant - (view.ttl or timedelta()) for view in views
        }
        expired = sorted(name for name, is_valid in valid.items() if not is_valid)
        how = _update(settings, publication, objects, rebuild=bool(expired))
    return MaterializedProfiles(publication, _count(folder), how, expired)


def _update(settings: Settings, publication: ScoresPublication, objects: list[Any], rebuild: bool) -> str:
    backend = profiles_backend(settings)
    state = OnlineState(publication.name, publication.as_of_instant, backend.name, complete=True)
    if backend.holds(state):
        return "unchanged"
    before = backend.state()
    left = rebuild or _customers_left(settings.paths.customers.parent, before, publication)
    incremental = can_update_incrementally(before, publication.as_of_instant, backend.name, left)
    with backend.writing(state, incremental) as online_store:
        store = FeatureStore(config=profiles_config(settings, online_store))
        _apply(store, objects)
        views = store.list_feature_views()
        if not incremental:
            backend.empty(store, views)
        set_spill_directory(store)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # ibis calls DuckDB by an older name
            store.materialize(
                start_date=(publication.as_of_instant - max(view.ttl for view in views if view.ttl)).replace(
                    tzinfo=UTC
                ),
                end_date=publication.as_of_instant.replace(tzinfo=UTC),
                feature_views=[view.name for view in views],
            )
    return "incremental" if incremental else "rebuilt"


def _apply(store: FeatureStore, objects: list[Any]) -> None:
    """Apply these objects to the registry, and remove views whose table is not published any more."""
    kept = {(type(thing), thing.name) for thing in objects}
    registered: list[Any] = [*store.list_feature_services(), *store.list_feature_views(), *store.list_data_sources()]
    gone = [thing for thing in registered if (type(thing), thing.name) not in kept]
    services = [thing for thing in objects if isinstance(thing, FeatureService)]
    others = [thing for thing in objects if not isinstance(thing, FeatureService)]
    store.apply([*others, *services], objects_to_delete=gone, partial=False)


def _newest(folder: Path, view: FeatureView) -> Any:
    with duckdb.connect() as connection:
        source = read_parquet(folder / f"{view.name}.parquet")
        found = connection.execute(f"SELECT max(event_timestamp) FROM {source}").fetchone()
    assert found is not None  # an aggregate always has a row
    return found[0]


def _everyone(folder: Path) -> str:
    tables = (f"SELECT customer_id FROM {read_parquet(file)}" for file in sorted(folder.glob("*.parquet")))
    return " UNION ".join(tables)


def _customers_left(customers: Path, before: OnlineState | None, publication: ScoresPublication) -> bool:
    """Return whether a customer of the earlier publication is missing in this one, or the earlier one is deleted."""
    if before is None or before.publication == publication.name:
        return False
    earlier, now = customers / before.publication / PROFILES, customers / publication.name / PROFILES
    if not earlier.exists():
        return True
    with duckdb.connect() as connection:
        gone = connection.execute(f"({_everyone(earlier)}) EXCEPT ({_everyone(now)}) LIMIT 1").fetchone()
    return gone is not None


def _count(folder: Path) -> int:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*) FROM ({_everyone(folder)})").fetchone()
    assert found is not None  # an aggregate always has a row
    return int(found[0])
