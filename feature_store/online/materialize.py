"""Bring the online store to the published features; incremental, and safe to kill and to run again."""

import logging
import warnings
from dataclasses import dataclass
from datetime import UTC, date

import duckdb
from feast import FeatureStore, FeatureView

from core.files.lock import exclusive_lock
from events.errors import EventLogUnavailableError
from events.factory import open_recent_events
from feature_store.offline_store import open_store, publication_name, set_spill_directory, store_config
from feature_store.online.backends import backend_of
from feature_store.online.state import OnlineState, can_update_incrementally
from features.errors import NotPublishedError
from features.publication import Publication, current_publication
from settings import Settings

logger = logging.getLogger(__name__)

_HISTORY = "feat_customer_history.parquet"


@dataclass(frozen=True)
class Materialized:
    """The outcome.

    Attributes:
        as_of: The day whose features the store holds.
        customers: Customers in the online store.
        how: 'unchanged' (it already held this publication), 'incremental' or 'rebuilt'.
    """

    as_of: date
    customers: int
    how: str


def materialize(settings: Settings, as_of: date) -> Materialized:
    """Write the customers' newest features before `as_of` into the online store.

    Raises:
        NotPublishedError: The published or the applied features are not those of `as_of`.
        OnlineStoreUnavailableError: Redis does not answer.
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
        before = backend_of(settings).state()
        how = _update(settings, publication)
        if how != "unchanged" and before is not None:
            _forget_purchases(settings, before)
    return Materialized(as_of, _count_customers(settings, publication), how)


def _forget_purchases(settings: Settings, before: OnlineState) -> None:
    """Delete recent purchases that the features held already before this run.

    Purchases that only the new features hold are kept until the next run, because for a moment readers still use the
    old features and need them.
    """
    if not before.complete or before.held is None:
        return
    recent = open_recent_events(settings)
    try:
        recent.evict_materialized(before.as_of_instant, before.held)
    except EventLogUnavailableError as error:
        logger.warning(f"Recent purchases that the features hold now were not deleted; the next run does it. {error}")
    finally:
        recent.close()


def _update(settings: Settings, publication: Publication) -> str:
    """Write the publication into the settings' store; return 'unchanged', 'incremental' or 'rebuilt'."""
    backend = backend_of(settings)
    state = OnlineState.of(publication, backend.name)
    if backend.holds(state):
        return "unchanged"
    before = backend.state()
    customers_left = _customers_left(settings, before, publication)
    incremental = can_update_incrementally(before, publication.as_of_instant, backend.name, customers_left)
    with backend.writing(state, incremental) as online_store:
        store = FeatureStore(config=store_config(settings, online_store))
        if not incremental:
            backend.empty(store, _online_views(store))
        _write(store, publication, before if incremental else None)
    return "incremental" if incremental else "rebuilt"


def _write(store: FeatureStore, publication: Publication, before: OnlineState | None) -> None:
    """Materialize the time that is new, and no further back than a row is valid."""
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
    """Return whether a customer of the earlier publication is missing in this one, or the earlier one is deleted."""
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
