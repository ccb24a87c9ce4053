"""Touch what Feast does not document: every such call of this package, with its reason.

The public ways convert each array element by element, or do not exist. tests/feature_store/test_private.py names the
version of Feast that these calls were written for.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from feast import FeatureStore, FeatureView
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

VERSION = "0.67"
"""The version of Feast whose internals are used here."""

Row = tuple[datetime | None, dict[str, Value] | None]
"""One key of one view in the online store: when the row became true, and the values by feature."""


def read_row(store: FeatureStore, view: FeatureView, key: EntityKey) -> Row:
    """Read one key of one view, because `get_online_features` takes twice the time to wrap the same row."""
    return store.provider.online_read(store.config, view, [key])[0]


def create_tables(store: FeatureStore, views: Sequence[FeatureView]) -> None:
    """Create the views' empty tables, because `apply` would write the registry as well."""
    store.provider.update_infra(store.project, [], views, [], [], partial=True)


def delete_rows(store: FeatureStore, views: Sequence[FeatureView]) -> None:
    """Delete all rows of the views, because `teardown` would delete the registry as well."""
    store.provider.update_infra(store.project, views, [], [], [], partial=True)


def sqlite_connection(store: FeatureStore) -> sqlite3.Connection:
    """Return the one SQLite connection that Feast shares between threads, to bound how long it waits for a lock."""
    online_store: Any = store.provider.online_store
    connection: sqlite3.Connection = online_store._get_conn(store.config)
    return connection


def redis_client(store: FeatureStore) -> Any:
    """Return Feast's Redis client, to list keys: Feast reads only keys that the caller names."""
    online_store: Any = store.provider.online_store
    return online_store._get_client(store.config.online_store)
