"""A few customers of the online store, found by its keys: Feast itself can only be asked for customers one names."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from feast import FeatureStore
from feast.infra.key_encoding_utils import deserialize_entity_key

VIEW = "customer_profile"
PAGES = 20
"""Redis is asked for so many pages of keys at most: other things may be kept in it."""


def sample_customers(store: FeatureStore, count: int) -> list[str]:
    """Ids of at most `count` customers, in the store's own order."""
    keys = _redis_keys(store) if store.config.online_store.type == "redis" else _file_keys(store, count)
    version = store.config.entity_key_serialization_version
    found = {deserialize_entity_key(key, version).entity_values[0].string_val for key in islice(keys, count)}
    return sorted(found, key=lambda customer_id: (len(customer_id), customer_id))


def _file_keys(store: FeatureStore, count: int) -> list[bytes]:
    path = Path(store.config.online_store.path).resolve()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        table = f'"{store.project}_{VIEW}"'
        rows = connection.execute(f"SELECT DISTINCT entity_key FROM {table} LIMIT ?", [count])
        return [row[0] for row in rows]


def _redis_keys(store: FeatureStore) -> Iterator[bytes]:
    online: Any = store.provider.online_store
    client = online._get_client(store.config.online_store)
    project = store.project.encode()
    cursor = 0
    for _ in range(PAGES):
        cursor, keys = client.scan(cursor, match=b"*customer_id*" + project, count=500, _type="hash")
        yield from (key.removesuffix(project) for key in keys if not key.startswith(b"reach:"))
        if cursor == 0:
            return
