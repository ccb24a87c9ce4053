"""Feast's views of the declared features: how long a row is true, and which of them the service reads."""

from datetime import timedelta

from feast import FeatureView, Field, FileSource
from feast.types import Array, FeastType, Float32, Float64, String

from feature_repo.entities import OWNER, campaign, customer, product
from features.declarations import TABLES
from features.feature import FeatureTable, Type

ONE_DAY = timedelta(days=1)

_TYPES: dict[Type, FeastType] = {
    Type.NUMBER: Float64,
    Type.TEXT: String,
    Type.NUMBERS: Array(Float32),
    Type.TEXTS: Array(String),
}
_ENTITIES = {"customer": customer, "product": product, "campaign": campaign}
_ONLINE = {"customer_history", "customer_profile"}
_VALID = {
    "product_content": timedelta(0),  # undated facts never expire
    # Who bought nothing in *this* window must not get an earlier window's label.
    "customer_purchases": ONE_DAY,
    "customer_outcomes": ONE_DAY,
    # True of that campaign's day alone.
    **{table.name: ONE_DAY for table in TABLES if table.of_campaigns},
}


def feature_views(sources: dict[str, FileSource], snapshot_step: timedelta) -> list[FeatureView]:
    """All views.

    snapshot_step: the time between two snapshots, in whole days (Feast's DuckDB store takes no other validity). A
        snapshot's row is valid until the next one: a product neither sold nor promoted since then, or a question
        long after the newest snapshot, gets nothing rather than something stale.
    """
    return [_view(table, sources[f"feat_{table.name}"], _VALID.get(table.name, snapshot_step)) for table in TABLES]


def _view(table: FeatureTable, source: FileSource, valid: timedelta) -> FeatureView:
    about = _ENTITIES[table.entity]
    return FeatureView(
        name=table.name,
        entities=[about],
        schema=[
            Field(name=about.join_key, dtype=String, description=about.description),
            *(Field(name=each.name, dtype=_TYPES[each.type], description=each.text) for each in table.features),
        ],
        source=source,
        ttl=valid,
        online=table.name in _ONLINE,
        description=table.text,
        owner=OWNER,
    )
