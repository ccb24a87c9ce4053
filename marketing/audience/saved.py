"""Save a question for an audience under a name, so that it can be opened again.

A file has the fields of a campaign's section `[audience]`, so its lines can be copied into a campaign. Look-alikes name
customers, and an erased customer would stay in the file, so such a question is not saved.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.files.atomic import replace_file
from core.files.lock import exclusive_lock
from core.toml.model import read_toml
from marketing.audience.answer import Question
from marketing.audience.audience import Limits
from marketing.audience.question import Buyers
from marketing.errors import AudienceError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class _Saved(BaseModel):
    """The fields of a file."""

    model_config = ConfigDict(extra="forbid")

    category: str | None = None
    products: tuple[str, ...] = ()
    coupon: str | None = None
    buyers: Buyers = Buyers.BOTH
    size: int | None = Field(None, ge=1)
    min_probability: float | None = Field(None, ge=0, le=1)


@dataclass(frozen=True)
class SavedAudience:
    """One saved question, or the reason why its file cannot be used."""

    name: str
    question: Question | None
    problem: str = ""


def save(folder: Path, name: str, question: Question) -> Path:
    """Write a question; one of the same name is replaced. Return the file.

    Raises:
        AudienceError: the name cannot be used, or the question names customers.
    """
    if not NAME.fullmatch(name):
        raise AudienceError(
            f"'{name}' is not a name for an audience. Use 1 to 63 small letters, digits, '-' and '_', as in 'soup-new'."
        )
    if question.kind == "customer":
        raise AudienceError(
            "An audience of look-alikes names customers, so it is not saved: an erased customer would stay in the file."
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.toml"
    with exclusive_lock(folder):
        replace_file(file, as_toml(question))
    return file


def as_toml(question: Question) -> str:
    """Return a question as lines of a campaign's section `[audience]`."""
    limits = question.limits
    ids = list(question.ids)
    named = {"category": ("category", ids[0]), "product": ("products", ids), "coupon": ("coupon", ids[0])}
    fields: dict[str, Any] = dict([named[question.kind]])
    fields |= {"buyers": limits.buyers.value} if limits.buyers is not Buyers.BOTH else {}
    fields |= {"size": limits.size} if limits.size is not None else {}
    fields |= {"min_probability": limits.least_probability} if limits.least_probability is not None else {}
    # A JSON text, number or list of texts is the same in TOML.
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())


def read_saved(folder: Path, name: str) -> Question:
    """Return a saved question.

    Raises:
        AudienceError: there is none of this name, or its file cannot be used.
    """
    file = folder / f"{name}.toml"
    if not NAME.fullmatch(name) or not file.exists():
        known = ", ".join(f"'{one.stem}'" for one in sorted(folder.glob("*.toml"))) or "none"
        raise AudienceError(f"No audience is saved as '{name}'. Saved: {known}.")
    found = read_toml(file, _Saved, AudienceError)
    limits = Limits(found.buyers, found.size, found.min_probability)
    if found.category:
        return Question("category", [found.category], limits)
    if found.products:
        return Question("product", found.products, limits)
    if found.coupon:
        return Question("coupon", [found.coupon], limits)
    raise AudienceError(f"{file.name} names no category, no products and no coupon. Correct or delete the file.")


def saved_audiences(folder: Path) -> list[SavedAudience]:
    """Return all saved questions by name; a file that cannot be used has its reason."""
    found = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found.append(SavedAudience(file.stem, read_saved(folder, file.stem)))
        except AudienceError as error:
            found.append(SavedAudience(file.stem, None, str(error)))
    return found
