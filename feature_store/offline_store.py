"""Open Feast's store, and read features as of any instant."""

import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from feast import FeatureService, FeatureStore, FileSource
from feast.errors import FeastObjectNotFoundException
from feast.repo_config import RepoConfig
from sqlalchemy.engine import make_url

from feature_store.online.backends import WRITE_TIMEOUT_S, backend_of
from features.errors import FeatureStoreError, NotPublishedError, UnknownFeatureServiceError
from settings import ROOT, Settings

FOLDER = ROOT / "feature_repo"
EVENT_TIMESTAMP = "event_timestamp"
_ROW = "__row"


NO_OFFLINE_STORE = {"type": "hybrid", "offline_stores": []}
"""Feast loads the offline store's library when it reads its configuration. This one is a choice among none."""


def store_config(
    settings: Settings,
    online_store: dict[str, Any] | None = None,
    redis_timeout_seconds: float = WRITE_TIMEOUT_S,
    only_online: bool = False,
) -> RepoConfig:
    """Return the configuration of feature_store.yaml with the settings filled in.

    Args:
        settings: The settings of this installation.
        online_store: Feast's configuration of another online store than readers see; a materialization writes to it.
        redis_timeout_seconds: How long to wait for Redis, to connect and for each answer.
        only_online: Whether only online features are read, which spares 30 MB of DuckDB.
    """
    raw = yaml.safe_load((FOLDER / "feature_store.yaml").read_text())
    config = _filled(raw, {"REACH_DATA": str(settings.data)})
    config["online_store"] = online_store or backend_of(settings).feast_config(redis_timeout_seconds)
    if only_online:
        config["offline_store"] = NO_OFFLINE_STORE
    result = RepoConfig(**config)
    result.repo_path = FOLDER
    return result


def open_store(
    settings: Settings, redis_timeout_seconds: float = WRITE_TIMEOUT_S, only_online: bool = False
) -> FeatureStore:
    """Open Feast's store of this installation.

    Raises:
        NotPublishedError: Nothing was ever applied; opening would create an empty registry.
    """
    config = store_config(settings, redis_timeout_seconds=redis_timeout_seconds, only_online=only_online)
    if not registry_file(config).exists():
        raise NotPublishedError(f"There is no feature registry at {registry_file(config)}. Run 'make features' first.")
    return FeatureStore(config=config)


def registry_file(config: RepoConfig) -> Path:
    """Return the SQLite file of the registry."""
    database = make_url(config.registry.path).database
    return Path(database or "")


def publication_name(store: FeatureStore) -> str:
    """Return the folder name of the publication that the registry reads, such as '2018-01-01-3f2a9c0b1d4e'."""
    sources = [source for source in store.list_data_sources() if isinstance(source, FileSource)]
    if not sources:
        raise NotPublishedError(
            f"The registry {registry_file(store.config)} holds no sources. Run 'make features' first."
        )
    return Path(sources[0].path).parent.name


def feature_service(store: FeatureStore, name: str) -> FeatureService:
    """Return a service by its name.

    Raises:
        UnknownFeatureServiceError: There is none; the message lists those that exist.
    """
    try:
        return store.get_feature_service(name)
    except FeastObjectNotFoundException as error:
        known = ", ".join(sorted(service.name for service in store.list_feature_services())) or "nothing"
        raise UnknownFeatureServiceError(
            f"Feature service '{name}' is not in {registry_file(store.config)} (it holds: {known}). "
            "Run 'make features' first."
        ) from error


def historical_table(store: FeatureStore, service_name: str, entities: pd.DataFrame) -> pa.Table:
    """Read the features of a service as they were known at each row's instant.

    Args:
        store: An opened store.
        service_name: The feature service.
        entities: The keys of the service (`customer_id`, `product_id`) and `event_timestamp` (UTC), one row per
            lookup; other columns are kept.

    Returns:
        The same rows in the same order, `event_timestamp` naive, plus one column per feature named `view__feature`:
        null where no row was true (within the view's validity) and known at that instant.
    """
    service = feature_service(store, service_name)
    _check_entities(store, service, entities)
    set_spill_directory(store)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ibis calls DuckDB by an older name
        job = store.get_historical_features(
            entity_df=entities.assign(**{_ROW: range(len(entities))}),
            features=service,
            full_feature_names=True,
            filter_by_created_timestamp=True,  # training must not see a row that was known only later
        )
        return _in_order(job.to_arrow())


def entity_rows(store: FeatureStore, view_name: str, instants: Sequence[datetime]) -> pd.DataFrame:
    """Return the keys with a row in the view at exactly these instants: the join key and `event_timestamp`, sorted.

    The view's own source is queried, because Feast joins features to keys but does not list them.
    """
    view = store.get_feature_view(view_name)
    [key] = view.join_keys
    source = view.batch_source
    assert isinstance(source, FileSource)  # every view here reads a table
    import duckdb  # here, because the service opens the store, too, and reads no table

    with duckdb.connect() as connection:
        return connection.execute(
            f'select "{key}", {EVENT_TIMESTAMP} from read_parquet($path) '
            f"where list_contains($instants::timestamp[], {EVENT_TIMESTAMP}) order by 2 desc, 1",
            {"path": source.path, "instants": list(instants)},
        ).df()


def _in_order(table: pa.Table) -> pa.Table:
    """Restore the order of the request, which a join loses, one column at a time to spare memory."""
    order = pc.sort_indices(table[_ROW])
    columns = {}
    for name in table.column_names:
        if name != _ROW:
            columns[name] = table[name].take(order)
        table = table.drop_columns([name])
    columns[EVENT_TIMESTAMP] = columns[EVENT_TIMESTAMP].cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    return pa.table(columns)


def _check_entities(store: FeatureStore, service: FeatureService, entities: pd.DataFrame) -> None:
    if entities.empty:
        raise FeatureStoreError(f"The entity frame for '{service.name}' is empty. Pass at least one row.")
    views = [store.get_feature_view(projection.name) for projection in service.feature_view_projections]
    needed = {key for view in views for key in view.join_keys} | {EVENT_TIMESTAMP}
    missing = sorted(needed - set(entities.columns))
    if missing:
        raise FeatureStoreError(
            f"The entity frame for '{service.name}' lacks {', '.join(missing)}; it has {', '.join(entities.columns)}."
        )


def set_spill_directory(store: FeatureStore) -> None:
    """Let DuckDB spill into the data directory what is too large for memory."""
    # Here, because the service opens the store too and has no use for either.
    import ibis

    from core.duckdb_engine import quote_literal

    folder = registry_file(store.config).parent / "tmp"
    folder.mkdir(exist_ok=True)
    ibis.get_backend().raw_sql(f"SET temp_directory = {quote_literal(folder)}")


def _filled(value: Any, names: dict[str, str]) -> Any:
    """Fill `${NAME}` in every text of a nested configuration (after parsing, so that no path can break YAML)."""
    if isinstance(value, dict):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, str):
        return Template(value).substitute(names)
    return value
