"""A staged plan: the decisions of one campaign as files, which are checked before they are enqueued.

<data>/plans/<campaign_id>/plan.json          what was planned, when, and under which rules
<data>/plans/<campaign_id>/decisions.parquet  one row per decision, with the message of those that are planned
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.files.atomic import staged_folder
from core.restricted import Restricted
from marketing.campaigns.content.rendering import MESSAGES, Renderer
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.plan.plan import PLANNED, Planned
from outbox.plan import ContactPolicy, Content, Decision, Delivery, Message, Plan

SHOWN = 3
"""Messages that a trial shows unless more are asked for."""

READ_AT_ONCE = 5_000
"""Decisions in memory while a plan is handed to the outbox."""

RECORD, DECISIONS = "plan.json", "decisions.parquet"


@dataclass(frozen=True)
class Terms:
    """The rules of a plan.

    Attributes:
        policy: caps and quiet hours by message class.
        restricted: patterns of age-restricted products.
        delivery: who delivers the messages.
    """

    policy: ContactPolicy
    restricted: Restricted
    delivery: Delivery


@dataclass(frozen=True)
class PlanRecord:
    """The content of `plan.json`.

    Attributes:
        plan_id: the same campaign, version and instant have the same id.
        campaign_id: the campaign.
        campaign_version: a hash of its definition.
        definition: the campaign as JSON values.
        as_of: the instant of the plan (naive UTC).
        planned_at: when it was made (naive UTC).
        delivery: who delivers the messages.
        policy: caps and quiet hours, as the outbox applies them.
        restricted: patterns of age-restricted products.
        counts: decisions by outcome and reason: `planned`, `held_out`, or the reason.
        decided_before: targets that the campaign had decided before, which are not in the plan.
        left_out: sentences about customers that the audience leaves out.
    """

    plan_id: str
    campaign_id: str
    campaign_version: str
    definition: Mapping[str, Any]
    as_of: datetime
    planned_at: datetime
    delivery: Delivery
    policy: Mapping[str, Any]
    restricted: Mapping[str, Any]
    counts: Mapping[str, int]
    decided_before: int
    left_out: list[str]

    def to_json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, default=str) + "\n"


def stage(folder: Path, planned: Planned, renderer: Renderer, terms: Terms, planned_at: datetime) -> PlanRecord:
    """Render a plan into a folder, which replaces the campaign's staged plan when it is whole.

    Args:
        folder: of the campaign's staged plan.
        planned: the decisions.
        renderer: of its messages.
        terms: the rules under which it was made.
        planned_at: now (naive UTC).
    """
    counts: Counter[str] = Counter()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with staged_folder(folder) as staging:
        with pq.ParquetWriter(staging / DECISIONS, MESSAGES, compression="zstd") as writer:
            for chunk in renderer.chunks():
                counts.update(count_outcomes(chunk))
                writer.write_table(chunk)
        record = _record(planned, terms, planned_at, counts)
        (staging / RECORD).write_text(record.to_json())
    return record


def trial(planned: Planned, renderer: Renderer, examples: int = SHOWN) -> tuple[Counter[str], pa.Table]:
    """Render a plan without keeping it; return the counts and a few decisions whose messages differ."""
    counts: Counter[str] = Counter()
    shown = MESSAGES.empty_table()
    for chunk in renderer.chunks():
        counts.update(count_outcomes(chunk))
        shown = different(pa.concat_tables([shown, chunk.filter(pc.equal(chunk["outcome"], PLANNED))]), examples)
    return counts, shown


def different(messages: pa.Table, count: int = SHOWN) -> pa.Table:
    """Return at most `count` messages: first of different contents, then of different subjects, then any."""
    contents, subjects = messages["content"].to_pylist(), messages["subject"].to_pylist()
    first_of_content = {content: row for row, content in reversed(list(enumerate(contents)))}
    first_of_subject = {subject: row for row, subject in reversed(list(enumerate(subjects)))}
    rows = [*sorted(first_of_content.values()), *sorted(first_of_subject.values()), *range(min(count, len(contents)))]
    return messages.take(pa.array(sorted(list(dict.fromkeys(rows))[:count]), pa.int64()))


def read_record(folder: Path) -> PlanRecord:
    """Return the record of a campaign's staged plan.

    Raises:
        CampaignError: nothing is staged, or the record is damaged.
    """
    again = f"Plan the campaign: '.venv/bin/python -m marketing campaign plan {folder.name}'."
    try:
        fields = json.loads((folder / RECORD).read_text())
        instants = {name: datetime.fromisoformat(fields[name]) for name in ("as_of", "planned_at")}
        return PlanRecord(**(fields | instants))
    except FileNotFoundError:
        raise CampaignError(f"No plan is staged in {folder}. {again}") from None
    except (OSError, TypeError, KeyError, ValueError) as error:
        raise CampaignError(f"{folder / RECORD} cannot be read: {error!r}. {again}") from error


def outbox_plan(folder: Path) -> Plan:
    """Return the staged plan as the outbox takes it; the decisions are read in chunks.

    Raises:
        CampaignError: nothing is staged, or the record is damaged.
    """
    record = read_record(folder)
    return Plan(
        plan_id=record.plan_id,
        campaign_id=record.campaign_id,
        campaign_version=record.campaign_version,
        definition=record.definition,
        as_of=record.as_of,
        planned_at=record.planned_at,
        policy=ContactPolicy.from_json(record.policy),
        decisions=StagedDecisions(folder / DECISIONS, record),
    )


def count_outcomes(chunk: pa.Table) -> Counter[str]:
    """Return decisions by outcome, and suppressed ones by reason."""
    pairs = zip(chunk["outcome"].to_pylist(), chunk["reason"].to_pylist(), strict=True)
    return Counter(reason if outcome == "suppressed" else outcome for outcome, reason in pairs)


def _record(planned: Planned, terms: Terms, planned_at: datetime, counts: Counter[str]) -> PlanRecord:
    file, as_of = planned.request.file, planned.as_of
    return PlanRecord(
        plan_id=f"{file.campaign.id}-{as_of:%Y%m%dT%H%M%S}-{file.version[:8]}",
        campaign_id=file.campaign.id,
        campaign_version=file.version,
        definition=json.loads(file.definition),
        as_of=as_of,
        planned_at=planned_at,
        delivery=terms.delivery,
        policy=terms.policy.to_json(),
        restricted=terms.restricted.model_dump(mode="json"),
        counts=dict(sorted(counts.items())),
        decided_before=planned.request.decided_before,
        left_out=list(planned.request.left_out),
    )


@dataclass(frozen=True)
class StagedDecisions:
    """The decisions of a staged plan, read from its file in batches each time.

    Attributes:
        file: the decisions.
        record: the plan's record.
    """

    file: Path
    record: PlanRecord

    def __iter__(self) -> Iterator[Decision]:
        """Yield the decisions."""
        with pq.ParquetFile(self.file) as parquet:
            for batch in parquet.iter_batches(batch_size=READ_AT_ONCE):
                yield from _decisions(batch, self.record)


def _decisions(batch: pa.RecordBatch, record: PlanRecord) -> Iterator[Decision]:
    definition = record.definition
    filters = {content["name"] for content in definition["content"] if content["filter"]}
    for row in batch.to_pylist():
        message = None
        if row["outcome"] == PLANNED:
            message = Message(
                message_class=definition["message_class"],
                purpose=definition["purpose"],
                channel=definition["channel"],
                content=Content(row["subject"], row["body_text"], row["body_html"]),
                not_before=row["not_before"],
                not_after=row["not_after"],
                delivery=record.delivery,
            )
        yield Decision(
            customer_id=row["customer_id"],
            trigger=row["trigger"],
            occurrence=row["occurrence"],
            variant=row["variant"],
            propensity=row["propensity"],
            outcome=row["outcome"],
            reason=row["reason"],
            segment=row["content"] if row["content"] in filters else None,
            content=row["content"],
            coupon_id=row["coupon_id"],
            product_ids=tuple(row["product_ids"] or ()),
            expected_value=row["expected_value"],
            message=message,
        )
