"""Feast's views of customers' published scores: what the service reads of a customer's profile."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from feast import FeatureService, FeatureView, Field, FileSource
from feast.types import Array, FeastType, Float64, Int64, String

from feature_repo.entities import OWNER, customer

SERVICE = "customer_profile_v1"

LEAST_VALID = timedelta(days=8)
"""Scores are made once a week; a day more, so that none expires while the next are made."""

_TEXTS, _NUMBERS, _COUNTS = Array(String), Array(Float64), Array(Int64)
_VIEWS: dict[str, tuple[str, dict[str, FeastType]]] = {
    "customer_predictions": (
        "Predictions about a customer: lapse, spend with its interval, next order, the categories due.",
        {
            **dict.fromkeys(("lapse_4w", "lapse_8w", "spend_8w", "spend_8w_low", "spend_8w_high"), Float64),
            **dict.fromkeys(("order_7d", "order_14d"), Float64),
            "categories_due": _TEXTS,
            "categories_due_probability": _NUMBERS,
        },
    ),
    "customer_tags": (
        "Tags of a customer: aligned lists, one item per tag.",
        {
            **dict.fromkeys(("tags", "values", "evidence_from", "evidence_until"), _TEXTS),
            **dict.fromkeys(("held_out_measures", "learned_on"), _TEXTS),
            **dict.fromkeys(("confidences", "held_out_values"), _NUMBERS),
            **dict.fromkeys(("evidence_rows", "sensitive"), _COUNTS),
        },
    ),
    "customer_segments": (
        "The segments of a customer: aligned lists, one item per axis.",
        dict.fromkeys(("axes", "segments", "labels", "since"), _TEXTS),
    ),
}


def profile_objects(published: Path, snapshot_step: timedelta) -> list[Any]:
    """Return sources, views and the service over one publication.

    Args:
        published: The folder of one publication's profiles, not the link to the newest.
        snapshot_step: The time between two snapshots; scores are valid for as long, and for LEAST_VALID at least.
    """
    valid = max(LEAST_VALID, snapshot_step)
    sources = {
        name: FileSource(
            name=name,
            path=str(published / f"{name}.parquet"),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
            description=text,
            owner=OWNER,
        )
        for name, (text, _) in _VIEWS.items()
        if (published / f"{name}.parquet").exists()
    }
    views = [
        FeatureView(
            name=name,
            entities=[customer],
            schema=[
                Field(name=customer.join_key, dtype=String, description=customer.description),
                *(Field(name=field, dtype=kind) for field, kind in _VIEWS[name][1].items()),
            ],
            source=source,
            ttl=valid,
            online=True,
            description=_VIEWS[name][0],
            owner=OWNER,
        )
        for name, source in sources.items()
    ]
    service = FeatureService(
        name=SERVICE,
        features=list(views),
        description="Everything that `POST /profile` returns.",
        owner=OWNER,
    )
    return [customer, *sources.values(), *views, service]
