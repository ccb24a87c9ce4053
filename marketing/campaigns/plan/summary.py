"""Print a plan for people: counts by reason, arms, the smallest visible effect and examples."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from marketing.campaigns.plan.plan import HELD_OUT, PLANNED, Planned
from marketing.campaigns.plan.reasons import MEANINGS
from marketing.campaigns.plan.visible_effect import VisibleEffect


def summary(
    planned: Planned, counts: Mapping[str, int], effect: VisibleEffect | str, shown: pa.Table | None
) -> Iterator[str]:
    """Yield a plan as lines.

    Args:
        planned: the plan.
        counts: decisions by outcome, or by reason where nothing is sent.
        effect: the smallest visible effect, or why there is none.
        shown: decisions whose messages are printed; None for none.
    """
    request = planned.request
    total = sum(counts.values())
    yield f"{request.campaign.id}, version {request.file.version}: {total:,} customers at {planned.as_of} UTC"
    yield f"  {counts.get(PLANNED, 0):9,}  messages planned"
    yield f"  {counts.get(HELD_OUT, 0):9,}  held out"
    for reason, meaning in MEANINGS.items():
        if counts.get(reason, 0):
            yield f"  {counts[reason]:9,}  no message: {meaning} ({reason})"
    if request.decided_before:
        yield f"  {request.decided_before:9,}  decided before, nothing new"
    for sentence in request.left_out:
        yield f"  Not in the audience: {sentence}."
    yield effect if isinstance(effect, str) else effect.sentence()
    if shown is not None:
        yield from _examples(shown)


def _examples(shown: pa.Table) -> Iterator[str]:
    columns = ("content", "occurrence", "subject", "body_text", "not_before")
    for content, occurrence, subject, text, not_before in zip(
        *(shown[name].to_pylist() for name in columns), strict=True
    ):
        yield f"--- {content}, {occurrence}, from {not_before} UTC"
        yield f"Subject: {subject}"
        yield from text.splitlines()


def examples(shown: pa.Table) -> list[dict[str, Any]]:
    """Return decisions with their messages as JSON values."""
    columns = {"customer_id": "customer_id", "content": "content", "occurrence": "occurrence", "category": "category"}
    columns |= {"coupon_id": "coupon_id", "is_new": "is_new", "product_ids": "product_ids", "not_before": "not_before"}
    columns |= {"subject": "subject", "text": "body_text", "html": "body_html"}
    rows = [{name: row[column] for name, column in columns.items()} for row in shown.to_pylist()]
    return [row | {"not_before": row["not_before"].isoformat()} for row in rows]
