"""Repeat the plans of past weeks, to see how many customers would have received what, and which caps bite.

Each week is planned with the scores, features, consents and events known then, and with the messages that the weeks
before would have sent. Nothing is rendered and nothing is kept.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.plan.plan import PLANNED, Planned, Request, plan_campaigns
from marketing.campaigns.plan.staged_plan import count_outcomes
from marketing.campaigns.policy.contacts import Contacts
from outbox.plan import ContactPolicy

DECIDED = pa.schema(
    [
        *((name, pa.string()) for name in ("customer_id", "trigger", "occurrence", "outcome")),
        ("decided_at", pa.timestamp("us")),
    ]
)
"""Columns of decisions of earlier weeks."""


@dataclass(frozen=True)
class Week:
    """One campaign in one week.

    Attributes:
        as_of: the instant of the plan.
        scores: the day of the scores that were known.
        counts: decisions by outcome or reason; empty if nothing could be planned.
        note: why nothing could be planned, or empty.
    """

    as_of: datetime
    scores: date | None
    counts: Mapping[str, int]
    note: str = ""


@dataclass(frozen=True)
class Replayed:
    """The weeks of one campaign, the earliest first, and how many messages each reached customer got."""

    weeks: Sequence[Week]
    messages_per_customer: Counter[int]


@dataclass(frozen=True)
class Known:
    """Functions from an instant to what was known then.

    Attributes:
        request: of a campaign, given its decisions until then.
        contacts: consents, addresses, suppressions and past messages.
        scores: the day of the scores; None if there were none.
    """

    request: Callable[[CampaignFile, pa.Table, datetime], Request]
    contacts: Callable[[datetime], Contacts]
    scores: Callable[[datetime], date | None]


def replay(
    files: Sequence[CampaignFile], instants: Sequence[datetime], known: Known, policy: ContactPolicy, secret: bytes
) -> dict[str, Replayed]:
    """Plan the campaigns at each instant, as if each plan's messages had been sent.

    Args:
        files: the campaigns.
        instants: of the plans, ascending.
        known: what was known at an instant.
        policy: caps and quiet hours.
        secret: from which each campaign's assignment key is made.

    Returns:
        The weeks by campaign.
    """
    decided = {file.campaign.id: DECIDED.empty_table() for file in files}
    weeks: dict[str, list[Week]] = {file.campaign.id: [] for file in files}
    sent: list[pa.Table] = []
    for as_of in instants:
        requests, scores = [], known.scores(as_of)
        for file in files:
            try:
                requests.append(known.request(file, decided[file.campaign.id], as_of))
            except CampaignError as error:
                weeks[file.campaign.id].append(Week(as_of, scores, {}, str(error)))
        contacts = _with_messages(known.contacts(as_of), sent)
        for planned in plan_campaigns(requests, contacts, policy, as_of, secret):
            campaign = planned.request.campaign
            weeks[campaign.id].append(Week(as_of, scores, count_outcomes(planned.decisions)))
            decided[campaign.id] = pa.concat_tables([decided[campaign.id], _decided(planned, as_of)])
            sent.append(_messages(planned))
    return {name: Replayed(found, _per_customer(decided[name])) for name, found in weeks.items()}


def lines(name: str, found: Replayed) -> Iterator[str]:
    """Yield a replay as lines: a row per week, a column per outcome and reason that occurs."""
    names = sorted({name for week in found.weeks for name in week.counts}, key=_order)
    yield f"{name} in the past {len(found.weeks)} weeks"
    yield "  ".join(["week of   ", "scores of ", *names])
    for week in found.weeks:
        counts = [f"{week.counts.get(name, 0):{len(name)},}" for name in names]
        yield "  ".join([str(week.as_of.date()), str(week.scores or "none      "), *counts]) + (
            f"  not planned: {week.note}" if week.note else ""
        )
    later = [week for week in found.weeks if week.counts and week.scores and week.scores > week.as_of.date()]
    if later:
        yield f"{len(later)} of the weeks used scores of a later day, because no earlier ones are kept."
    for messages, customers in sorted(found.messages_per_customer.items()):
        yield f"{customers:,} customers would have received {messages}"


def _order(name: str) -> tuple[int, str]:
    return ({"planned": 0, "held_out": 1}.get(name, 2), name)


def _decided(planned: Planned, as_of: datetime) -> pa.Table:
    table = planned.decisions.select(DECIDED.names[:-1])
    return table.append_column("decided_at", pa.repeat(pa.scalar(as_of, pa.timestamp("us")), len(table))).cast(DECIDED)


def _messages(planned: Planned) -> pa.Table:
    """Return the messages of a plan as the outbox counts them: customer_id, message_class, at."""
    table = planned.decisions.filter(pc.equal(planned.decisions["outcome"], PLANNED))
    message_class = pa.repeat(planned.request.campaign.message_class, len(table))
    return pa.table({"customer_id": table["customer_id"], "message_class": message_class, "at": table["not_before"]})


def _with_messages(contacts: Contacts, sent: Sequence[pa.Table]) -> Contacts:
    columns = ["customer_id", "message_class", "at"]
    messages = pa.concat_tables([contacts.messages.select(columns), *sent])
    return Contacts(contacts.consents, contacts.contacts, contacts.suppressions, messages)


def _per_customer(decided: pa.Table) -> Counter[int]:
    received = decided.filter(pc.equal(decided["outcome"], PLANNED))["customer_id"]
    return Counter(pc.value_counts(received).field("counts").to_pylist())
