"""Read the contact policy: channels, classes of messages with caps and quiet hours, age-restricted products."""

from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from core.restricted import Restricted, packaged_patterns
from core.toml.problems import problem
from core.toml.sections import Name, Section
from marketing.campaigns.definition.file import read_fields
from marketing.campaigns.errors import DefinitionError
from outbox.plan import ClassPolicy, ContactPolicy, Delivery, FrequencyCap, GlobalHoldOut, QuietHours

PACKAGED = Path(__file__).with_name("contact_policy.toml")


class Cap(Section):
    """At most `messages` within a rolling window of `days`, per customer."""

    messages: int = Field(ge=1)
    days: int = Field(ge=1, le=366)


class Quiet(Section):
    """Local times between which nothing is sent."""

    starts: time
    ends: time


class MessageClass(Section):
    """The rules of one class of messages."""

    caps: tuple[Cap, ...] = ()
    per_day: int | None = Field(None, ge=1)
    quiet_hours: Quiet | None = None
    needs_consent: bool = True

    def rules(self) -> ClassPolicy:
        """Return the rules as the outbox applies them."""
        quiet = self.quiet_hours
        return ClassPolicy(
            tuple(FrequencyCap(cap.messages, timedelta(days=cap.days)) for cap in self.caps),
            self.per_day,
            QuietHours(quiet.starts, quiet.ends) if quiet and quiet.starts != quiet.ends else None,
            self.needs_consent,
        )


class GlobalHoldOutSection(Section):
    """A share of all customers who get no message of some classes, whatever the campaign."""

    share: float = Field(0.0, ge=0, lt=1)
    classes: tuple[Name, ...] = ("promotional",)


class PolicyFile(Section):
    """How often, when and about what customers may be contacted; `restricted` adds to the packaged patterns."""

    purposes: tuple[Name, ...] = Field(min_length=1)
    channels: dict[Name, Delivery] = Field(min_length=1)
    classes: dict[Name, MessageClass] = Field(min_length=1)
    restricted: Restricted = Restricted()
    global_hold_out: GlobalHoldOutSection = GlobalHoldOutSection()

    def rules(self, timezone: str) -> ContactPolicy:
        """Return the rules that a plan hands over to the sender.

        Args:
            timezone: of customers whose own one is unknown.
        """
        held = GlobalHoldOut(self.global_hold_out.share, self.global_hold_out.classes)
        return ContactPolicy({name: found.rules() for name, found in self.classes.items()}, timezone, held)

    @model_validator(mode="after")
    def _known_classes(self) -> "PolicyFile":
        if unknown := sorted(set(self.global_hold_out.classes) - set(self.classes)):
            raise ValueError(f"global_hold_out.classes has '{unknown[0]}', which is not in classes")
        return self


def load_contact_policy(own: Path | None) -> PolicyFile:
    """Return the packaged policy, with the sections that a shop's file replaces.

    Args:
        own: the shop's file; None for the packaged policy alone.

    Raises:
        DefinitionError: the file cannot be used; the message names each problem with its line.
    """
    packaged = _validated(PACKAGED, *read_fields(PACKAGED)).model_copy(update={"restricted": packaged_patterns()})
    if own is None:
        return packaged
    text, fields = read_fields(own)
    merged = packaged.model_dump(exclude={"restricted"}) | fields
    for name in ("channels", "classes"):
        if isinstance(fields.get(name), Mapping):
            merged[name] = packaged.model_dump()[name] | fields[name]
    policy = _validated(own, text, merged)
    return policy.model_copy(update={"restricted": packaged.restricted.extended(policy.restricted)})


def _validated(path: Path, text: str, fields: dict[str, Any]) -> PolicyFile:
    try:
        return PolicyFile.model_validate(fields)
    except ValidationError as error:
        raise DefinitionError(path.name, [problem(text, found, PolicyFile) for found in error.errors()]) from error
