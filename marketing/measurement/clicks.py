"""Count the clicks on a campaign's messages: a description of the treated arm, never an effect.

A link of a message can carry the message's id (`message_id` in templates). An event of the type `click` that quotes it
as `request_id` is a click on this message. The hold-out has no message to click on, so its clicks are zero by
construction, and a difference of the arms would measure nothing.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import select

from core.duckdb_engine import read_parquet
from experiments.measurement.purchases import Purchases, open_engine
from outbox.store import Store
from outbox.tables import messages
from settings import Settings

_IDS = pa.schema([("message_id", pa.string()), ("customer_id", pa.string())])
_CHUNK = 10_000

NO_EVENT = "Clicks are not known: no event was collected."
NOT_QUOTED = (
    "Clicks are not known: no event quotes a message of this campaign. They need {{ message_id }} in the links of its "
    "texts, and each click must be reported with it as request_id."
)


@dataclass(frozen=True)
class Clicks:
    """The clicks on one campaign's messages.

    Attributes:
        treated: customers who were assigned to a message.
        clicked: of these, those who clicked at least once.
        clicks: their clicks; an event that came twice counts once.
        by_others: clicks that quote a message to another customer, such as of a forwarded link; they are left out.
        until: events before this local day are known.
    """

    treated: int
    clicked: int
    clicks: int
    by_others: int
    until: date

    @property
    def sentence(self) -> str:
        """Return the counts for a person, with what they do not show."""
        others = f" {self.by_others:,} clicks by other customers are left out." if self.by_others else ""
        return (
            f"{self.clicked:,} of {self.treated:,} customers who were to get a message ({self.share:.1%}) clicked on "
            f"one before {self.until}, {self.clicks:,} times in all.{others} This describes the treated arm. It is not "
            "an effect, because the hold-out had nothing to click on."
        )

    @property
    def share(self) -> float:
        """Return the share of treated customers who clicked."""
        return self.clicked / self.treated if self.treated else 0.0


def clicks_of(settings: Settings, store: Store, campaign_id: str, treated: int, purchases: Purchases) -> Clicks | str:
    """Return the clicks on a campaign's messages, or why none are known as a sentence.

    Args:
        settings: of the installation.
        store: the opened outbox.
        campaign_id: the campaign.
        treated: customers who were assigned to a message.
        purchases: events that happened or came after these were known are left out, as purchases are.

    Raises:
        StoreError: the outbox cannot be read.
    """
    file = settings.paths.feedback / "landed" / "events.parquet"
    if not file.exists():
        return NO_EVENT
    sent = _messages(store, campaign_id)
    with open_engine(settings) as engine:
        engine.register("sent", sent)
        try:
            clicked, clicks, by_others = _count(engine, file, purchases)
        except duckdb.Error as error:
            cause = str(error).partition("\n")[0]
            return f"Clicks are not known: {file} cannot be read ({cause}). Run the DAG collect_feedback."
    if not clicks and not by_others:
        return NOT_QUOTED
    return Clicks(treated, clicked, clicks, by_others, purchases.as_of)


def to_json(found: Clicks | str) -> dict[str, object]:
    """Return clicks as JSON values; without known clicks, the sentence alone."""
    if isinstance(found, str):
        return {"sentence": found}
    counts = {name: getattr(found, name) for name in ("treated", "clicked", "clicks", "by_others", "share")}
    return {"sentence": found.sentence, **counts, "until": found.until.isoformat()}


def _messages(store: Store, campaign_id: str) -> pa.Table:
    asked = select(messages.c.message_id, messages.c.customer_id).where(messages.c.campaign_id == campaign_id)
    with store.read() as connection:
        parts = connection.execution_options(stream_results=True).execute(asked).partitions(_CHUNK)
        columns = ([pa.array(column, pa.string()) for column in zip(*part, strict=True)] for part in parts)
        batches = [pa.RecordBatch.from_arrays(arrays, schema=_IDS) for arrays in columns]
    return pa.Table.from_batches(batches, schema=_IDS)


def _count(engine: duckdb.DuckDBPyConnection, file: Path, purchases: Purchases) -> tuple[int, int, int]:
    """Return the customers who clicked on a message of theirs, these clicks, and clicks by other customers."""
    row = engine.execute(
        f"""
        WITH clicks AS (
            SELECT DISTINCT event_id, sent.customer_id, sent.customer_id = events.customer_id AS is_own
            FROM {read_parquet(file)} AS events JOIN sent ON events.request_id = sent.message_id
            WHERE lower(trim(event_type)) = 'click'
              AND greatest(occurred_at, coalesce(received_at, occurred_at))::TIMESTAMP < $until::TIMESTAMP
        )
        SELECT count(DISTINCT customer_id) FILTER (WHERE is_own), count(*) FILTER (WHERE is_own),
               count(*) FILTER (WHERE NOT is_own)
        FROM clicks
        """,
        {"until": purchases.until},
    ).fetchone()
    return row or (0, 0, 0)
