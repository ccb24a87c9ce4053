"""Read what the outbox keeps of a campaign: its decisions, and the announcement of its first plan."""

from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import select

from marketing.measurement.announcement import Announcement
from marketing.measurement.arms import COLUMNS
from marketing.measurement.errors import MeasurementError
from outbox.store import Store
from outbox.tables import decisions, plans

_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("variant", pa.string()),
        ("propensity", pa.float64()),
        ("is_holdout", pa.bool_()),
        ("decided_at", pa.timestamp("us")),
    ]
)
_CHUNK = 10_000


@dataclass(frozen=True)
class StoredCampaign:
    """A campaign in the outbox.

    Attributes:
        announcement: Metric and looks of the first plan; a later edit does not change what was announced.
        decisions: Its decisions, with the columns of `COLUMNS`.
        was_changed: Whether a later plan announced something else.
        stops_on_harm: Whether harm at a look stops the campaign, by its newest plan.
    """

    announcement: Announcement
    decisions: pa.Table
    was_changed: bool
    stops_on_harm: bool = False


def stored_campaigns(store: Store) -> list[str]:
    """Return the ids of all campaigns with a plan, in order.

    Raises:
        StoreError: The store cannot be read.
    """
    with store.read() as connection:
        return list(connection.execute(select(plans.c.campaign_id).distinct().order_by(plans.c.campaign_id)).scalars())


def no_plan(campaign_id: str) -> MeasurementError:
    """Return the error about a campaign that the outbox does not hold."""
    return MeasurementError(
        f"The outbox has no plan of campaign '{campaign_id}'. '.venv/bin/python -m outbox status' lists plans; "
        "or name a file with --decisions."
    )


def stored_campaign(store: Store, campaign_id: str) -> StoredCampaign:
    """Return a campaign.

    Raises:
        MeasurementError: It has no plan, or its first plan announced what cannot be measured.
        StoreError: The store cannot be read.
    """
    planned = select(plans.c.definition).where(plans.c.campaign_id == campaign_id)
    rows = select(*(decisions.c[name] for name in COLUMNS)).where(decisions.c.campaign_id == campaign_id)
    with store.read() as connection:
        definitions = list(connection.execute(planned.order_by(plans.c.planned_at, plans.c.plan_id)).scalars())
        if not definitions:
            raise no_plan(campaign_id)
        result = connection.execution_options(stream_results=True).execute(rows)
        batches = [
            pa.RecordBatch.from_arrays(
                [pa.array(column, field.type) for column, field in zip(zip(*part, strict=True), _SCHEMA, strict=True)],
                schema=_SCHEMA,
            )
            for part in result.partitions(_CHUNK)
        ]
    first, *later = (Announcement.of_definition(campaign_id, definition) for definition in definitions)
    return StoredCampaign(
        first,
        pa.Table.from_batches(batches, schema=_SCHEMA),
        any(announced != first for announced in later),
        bool((definitions[-1].get("stop") or {}).get("on_harm", False)),
    )
