"""The door to Feast for the other rooms: open the store, read features as of any instant."""

import json
import warnings
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

from features.errors import FeatureStoreError, NotPublishedError, UnknownFeatureServiceError
from settings import ROOT, Settings

FOLDER = ROOT / "feature_repo"
EVENT_TIMESTAMP = "event_timestamp"
_ROW = "__row"


NO_OFFLINE_STORE = {"type": "hybrid", "offline_stores": []}
"""Feast loads the offline store's library when it reads its configuration. This one is a choice among none."""


def store_config(
    settings: Settings,
    online_path: Path | None = None,
    redis_timeout_seconds: float = 30.0,
    only_online: bool = False,
) -> RepoConfig:
    """feature_store.yaml with the settings filled in.

    online_path: another file for the SQLite online store (materialisation builds it aside).
    redis_timeout_seconds: how long to wait for Redis, to connect and for each answer.
    only_online: for who reads online features only, and can spare 30 MB of DuckDB.
    """
    raw = yaml.safe_load((FOLDER / "feature_store.yaml").read_text())
    config = _filled(raw, {"REACH_DATA": str(settings.data)})
    if settings.online_store == "redis":
        config["online_store"] = {
            "type": "redis",
            "connection_string": _redis_connection(settings, redis_timeout_seconds),
            # We are the only writer and mean what we write: without this, Redis keeps a row of the same
            # instant although its content was corrected.
            "skip_dedup": True,
        }
    elif online_path is not None:
        config["online_store"]["path"] = str(online_path)
    if only_online:
        config["offline_store"] = NO_OFFLINE_STORE
    result = RepoConfig(**config)
    result.repo_path = FOLDER
    return result


def open_store(settings: Settings, redis_timeout_seconds: float = 30.0, only_online: bool = False) -> FeatureStore:
    """Feast's store of this installation.

    Raises NotPublishedError if nothing was ever applied, for opening would create an empty registry.
    """
    config = store_config(settings, redis_timeout_seconds=redis_timeout_seconds, only_online=only_online)
    if not registry_file(config).exists():
        raise NotPublishedError(f"There is no feature registry at {registry_file(config)}. Run 'make features' first.")
    return FeatureStore(config=config)


def registry_file(config: RepoConfig) -> Path:
    """The SQLite file of the registry."""
    database = make_url(config.registry.path).database
    return Path(database or "")


def publication_name(store: FeatureStore) -> str:
    """The publication the registry's views read: the folder name, such as '2018-01-01-3f2a9c0b1d4e'."""
    sources = [source for source in store.list_data_sources() if isinstance(source, FileSource)]
    if not sources:
        raise NotPublishedError(
            f"The registry {registry_file(store.config)} holds no sources. Run 'make features' first."
        )
    return Path(sources[0].path).parent.name


def feature_service(store: FeatureStore, name: str) -> FeatureService:
    """A service by its name.

    Raises UnknownFeatureServiceError naming what there is.
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
    """The features of a service as they were known at each row's instant.

    entities: the keys of the service (`customer_id`, `product_id`) and `event_timestamp` (UTC), one row a question;
        other columns are carried along.
    Returns the same rows in the same order, `event_timestamp` naive, plus one column a feature named
    `view__feature`: null where no row was true (within the view's validity) and known at that instant.
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
            filter_by_created_timestamp=True,  # a row that was only known later must not teach
        )
        return _in_order(job.to_arrow())


def _in_order(table: pa.Table) -> pa.Table:
    """The rows as they were asked for (a join keeps no order), one column at a time to spare memory."""
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
        raise FeatureStoreError(f"The entity frame for '{service.name}' is empty: nothing can be asked of it.")
    views = [store.get_feature_view(projection.name) for projection in service.feature_view_projections]
    needed = {key for view in views for key in view.join_keys} | {EVENT_TIMESTAMP}
    missing = sorted(needed - set(entities.columns))
    if missing:
        raise FeatureStoreError(
            f"The entity frame for '{service.name}' lacks {', '.join(missing)}; it has {', '.join(entities.columns)}."
        )


def set_spill_directory(store: FeatureStore) -> None:
    """What is too large for memory spills to disk; inside the data directory, like everything we write."""
    # Here, because the service opens the store too and has no use for either.
    import ibis

    from core.duckdb_engine import quote_literal

    folder = registry_file(store.config).parent / "tmp"
    folder.mkdir(exist_ok=True)
    ibis.get_backend().raw_sql(f"SET temp_directory = {quote_literal(folder)}")


def _redis_connection(settings: Settings, timeout_seconds: float) -> str:
    password = settings.redis_password.get_secret_value() if settings.redis_password else ""
    if "," in password:
        raise FeatureStoreError("REACH_REDIS_PASSWORD holds a comma, which Feast's connection string cannot carry.")
    parts = [
        settings.redis,
        # With the client's own retries a dead Redis held a call for 12 seconds, and a hung one for ever.
        f"socket_timeout={timeout_seconds}",
        f"socket_connect_timeout={timeout_seconds}",
        "retry=null",
    ]
    if password:
        parts.append(f"password={json.dumps(password)}")  # quoted, or "0123" would arrive as a number
    return ",".join(parts)


def _filled(value: Any, names: dict[str, str]) -> Any:
    """Fill `${NAME}` in every text of a nested configuration (after parsing, so that no path can break YAML)."""
    if isinstance(value, dict):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, str):
        return Template(value).substitute(names)
    return value
