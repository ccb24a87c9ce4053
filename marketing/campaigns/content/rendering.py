"""Render the messages of a plan in chunks, so that memory does not grow with the number of customers."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from marketing.campaigns.content.templates import (
    AT_SENDING,
    CAMPAIGN,
    DUE,
    OFFER,
    OFFER_FIELDS,
    PRODUCTS,
    SEGMENT,
    compiled,
    names_of,
)
from marketing.campaigns.plan.plan import DECISIONS, MESSAGE, NEITHER, PLANNED, SUPPRESSED, Planned
from marketing.campaigns.plan.reasons import Reason
from marketing.campaigns.policy.restricted import Products
from outbox.plan import Content as Rendered

logger = logging.getLogger(__name__)

CHUNK = 5_000
"""Customers whose messages are in memory at a time."""

MESSAGES = pa.schema([*DECISIONS, ("subject", pa.string()), ("body_text", pa.string()), ("body_html", pa.string())])
"""Decisions with the messages of those that are planned."""


@dataclass
class Failures:
    """Customers whose message could not be rendered.

    Attributes:
        count: how many.
        first: the first error.
    """

    count: int = 0
    first: str = ""


@dataclass
class Renderer:
    """Renders the messages of one plan.

    Attributes:
        planned: the plan.
        products: names of the products.
        failures: what could not be rendered so far.
    """

    planned: Planned
    products: Products
    failures: Failures = field(default_factory=Failures)

    def chunks(self) -> Iterator[pa.Table]:
        """Yield the decisions with their messages, rows of `MESSAGES`.

        A message is rendered for the hold-out as well, and not kept: a template that fails sets a customer aside in
        either arm.
        """
        campaign = self.planned.request.campaign
        templates = {content.name: compiled(content) for content in campaign.content}
        names, shown = names_of(campaign), self._shown_products()
        shared = {CAMPAIGN: {"id": campaign.id, "goal": campaign.goal}, **AT_SENDING}
        for batch in self.planned.decisions.to_batches(max_chunksize=CHUNK):
            rows = batch.to_pylist()
            rendered = [
                self._render(templates[row["content"]].render, _values(row, names, shared, shown))
                if row["outcome"] != SUPPRESSED
                else None
                for row in rows
            ]
            yield _with_messages(batch, rows, rendered)
        if self.failures.count:
            logger.warning(
                "%s: %d customers are set aside because a template failed, first with: %s",
                campaign.id,
                self.failures.count,
                self.failures.first,
            )

    def _render(self, render: Any, values: Mapping[str, Any]) -> Rendered | None:
        try:
            rendered: Rendered = render(values)
        except Exception as error:
            self.failures.count += 1
            self.failures.first = self.failures.first or str(error)
            return None
        return rendered

    def _shown_products(self) -> dict[str, dict[str, str]]:
        """Return what the templates may show of each product of the plan."""
        used = pc.unique(pc.list_flatten(self.planned.decisions["product_ids"].combine_chunks()))
        table = self.products.table
        table = table.filter(pc.is_in(table["product_id"], used))
        return {
            row["product_id"]: {
                "product_id": row["product_id"],
                "name": row["product_name"] or row["product_type"] or row["product_id"],
                "category": row["category"] or "",
                "brand": row["brand"] or "",
            }
            for row in table.to_pylist()
        }


def _values(
    row: Mapping[str, Any], names: tuple[str, ...], shared: Mapping[str, Any], shown: Mapping[str, dict[str, str]]
) -> dict[str, Any]:
    values = {**shared, SEGMENT: row["content"]}
    if PRODUCTS in names:
        values[PRODUCTS] = [shown[product] for product in row["product_ids"] if product in shown]
    if OFFER in names:
        values[OFFER] = {name: row[name] for name in OFFER_FIELDS}
    if DUE in names:
        values[DUE] = row["category"]
    return values


def _with_messages(batch: pa.RecordBatch, rows: list[dict[str, Any]], rendered: list[Rendered | None]) -> pa.Table:
    for row, message in zip(rows, rendered, strict=True):
        if message is None and row["outcome"] != SUPPRESSED:
            row |= {"outcome": SUPPRESSED, "reason": str(Reason.TEMPLATE), "variant": NEITHER, "propensity": 1.0}
    columns = {name: batch.column(name) for name in batch.schema.names}
    for name in ("outcome", "reason", "variant", "propensity"):
        columns[name] = pa.array([row[name] for row in rows], DECISIONS.field(name).type)
    kept = [
        message if row["outcome"] == PLANNED and row["variant"] == MESSAGE else None
        for row, message in zip(rows, rendered, strict=True)
    ]
    columns["subject"] = pa.array([message and message.subject for message in kept], pa.string())
    columns["body_text"] = pa.array([message and message.body_text for message in kept], pa.string())
    columns["body_html"] = pa.array([message and message.body_html for message in kept], pa.string())
    return pa.table(columns, schema=MESSAGES)
