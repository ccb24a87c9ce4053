"""How many customers a model could learn from at each point in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
from feast import FeatureStore, FileSource

from feature_store.offline_store import EVENT_TIMESTAMP


@dataclass(frozen=True)
class TrainableCustomers:
    """counts: by instant, the customers who were known at it and bought in the window after it.

    first_purchase_at: when the oldest purchase known at the newest instant was made; None if there is none.
    """

    counts: Mapping[datetime, int]
    first_purchase_at: datetime | None


def count_trainable_customers(
    store: FeatureStore, windows: Mapping[datetime, datetime], now: datetime
) -> TrainableCustomers:
    """Count the customers of the views' own sources, because Feast joins features to keys but does not count them.

    windows: by instant, the later instant whose `customer_purchases` row holds what was bought in between.
    """
    with duckdb.connect() as connection:
        paths = {"profile": _path(store, "customer_profile"), "purchases": _path(store, "customer_purchases")}
        found = connection.execute(
            f"""
            with asked as (select unnest($starts::timestamp[]) as start, unnest($ends::timestamp[]) as ending)
            select asked.start, count(profile.customer_id)
            from asked
            left join read_parquet($purchases) as purchases on purchases.{EVENT_TIMESTAMP} = asked.ending
            left join read_parquet($profile) as profile
              on profile.{EVENT_TIMESTAMP} = asked.start and profile.customer_id = purchases.customer_id
            group by 1""",
            paths | {"starts": list(windows), "ends": list(windows.values())},
        ).fetchall()
        [[days]] = connection.execute(
            f"select max(days_since_first_basket) from read_parquet($path) where {EVENT_TIMESTAMP} = $now",
            {"path": paths["profile"], "now": now},
        ).fetchall()
    return TrainableCustomers(dict(found), None if days is None else now - timedelta(days=float(days)))


def _path(store: FeatureStore, view: str) -> str:
    source = store.get_feature_view(view).batch_source
    assert isinstance(source, FileSource)  # every view here reads a table
    return source.path
