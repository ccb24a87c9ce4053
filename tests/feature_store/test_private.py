"""The internals of Feast that Reach calls are those of the pinned version."""

import feast
from feast.infra.online_stores.redis import RedisOnlineStore
from feast.infra.online_stores.sqlite import SqliteOnlineStore
from feast.infra.provider import Provider

from feature_store._private import VERSION


def test_feast_is_the_version_whose_internals_are_used() -> None:
    assert feast.__version__.startswith(f"{VERSION}."), "Try each call of feature_store/_private.py, then move VERSION."
    for owner, name in (
        (Provider, "online_read"),
        (Provider, "update_infra"),
        (SqliteOnlineStore, "_get_conn"),
        (RedisOnlineStore, "_get_client"),
    ):
        assert callable(getattr(owner, name)), name
