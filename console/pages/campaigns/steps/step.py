"""Define what a step is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData

from console.pages.campaigns.steps.forms import Fields
from settings import Settings

Apply = Callable[[Fields, FormData], None]
"""Changes the fields of a file by a form."""

Context = Callable[[Settings, Fields], dict[str, Any]]
"""Returns what the template shows besides the fields."""


Faults = Callable[[Settings, Fields], list[str]]
"""Returns sentences about saved values that cannot be used yet, such as an unknown name."""


def no_faults(_: Settings, __: Fields) -> list[str]:
    """Return nothing."""
    return []


def no_context(_: Settings, __: Fields) -> dict[str, Any]:
    """Return nothing."""
    return {}


@dataclass(frozen=True)
class Step:
    """One of the seven steps.

    Attributes:
        slug: the end of its address.
        title: for people.
        apply: None for a step that shows something and changes nothing.
        context: reads what the step shows; it may read files.
        faults: checks what the step saved; a draft may be saved with faults, and is not launched.
    """

    slug: str
    title: str
    apply: Apply | None = None
    context: Context = no_context
    faults: Faults = no_faults

    @property
    def template(self) -> str:
        """Return the step's template."""
        return f"campaigns/step_{self.slug.replace('-', '_')}.html"


def settle_audience(fields: Fields) -> None:
    """Write `everybody = true` if nothing else chooses customers, and remove it otherwise."""
    audience = dict(fields.get("audience") or {})
    chosen = any(audience.get(name) for name in ("filter", "category", "products", "coupon", "saved"))
    audience.pop("everybody", None)
    if not chosen and not fields.get("trigger"):
        audience = {"everybody": True, **audience}
    if audience:
        fields["audience"] = audience
    else:
        fields.pop("audience", None)
