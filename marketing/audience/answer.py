"""Answer a question for an audience from the published scores: what the command prints and the console shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from marketing.audience.audience import Audience, Limits, audience, look_alikes
from marketing.audience.index import AudienceIndex
from marketing.audience.question import category_items, coupon_items, product_items
from marketing.audience.scorers import AudienceModel
from marketing.errors import AudienceError
from settings import Settings

TASTE = "taste.parquet"

Kind = Literal["category", "product", "coupon", "customer"]


@dataclass(frozen=True)
class Question:
    """Ask for an audience.

    Attributes:
        kind: the kind of the ids; of customers, the look-alikes are asked for.
        ids: one category, one coupon, or products or customers that are asked for together.
        limits: the customers that the audience may hold.
    """

    kind: Kind
    ids: Sequence[str]
    limits: Limits

    def __post_init__(self) -> None:
        if not self.ids:
            raise AudienceError(f"No {self.kind} is named. Name at least one.")
        if self.kind in ("category", "coupon") and len(self.ids) > 1:
            raise AudienceError(f"Ask for one {self.kind} at a time; {len(self.ids)} are named.")


@dataclass(frozen=True)
class Answer:
    """An audience, and the products of the question that no customer ever bought."""

    audience: Audience
    unsold: Sequence[str]


def open_index(folder: Path) -> tuple[AudienceIndex, AudienceModel]:
    """Open the index and the scorers of a folder of published scores.

    Raises:
        ScoresError: they are missing or cannot be read.
    """
    return AudienceIndex.open(folder), AudienceModel.read(folder)


def answer(settings: Settings, question: Question, opened: tuple[AudienceIndex, AudienceModel] | None = None) -> Answer:
    """Answer a question.

    Args:
        settings: of the installation.
        question: what is asked for.
        opened: the opened index of the published scores; None to open it.

    Raises:
        ScoresError: no scores are published.
        AudienceError: the question cannot be answered; the message names the value.
    """
    folder = settings.paths.customers
    index, model = opened or open_index(folder)
    if question.kind == "customer":
        taste = pq.read_table(folder / TASTE) if (folder / TASTE).exists() else None
        return Answer(look_alikes(index, set(question.ids), taste, question.limits), ())
    if question.kind == "category":
        items = category_items(index, question.ids[0])
    elif question.kind == "product":
        items = product_items(index, question.ids)
    else:
        items = coupon_items(index, settings.paths.admitted / "coupons.parquet", question.ids[0])
    return Answer(audience(index, model, items, question.limits), items.unsold)
