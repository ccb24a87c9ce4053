"""Define what a file of an experiment holds; every field is described in docs/experiments-in-the-shop.md."""

import math
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from core.toml.sections import Name, Section, Sentence
from experiments.measurement.metrics import METRICS as PURCHASE_METRICS

METRICS: tuple[str, ...] = ("clicks", *PURCHASE_METRICS)
"""The metrics of an experiment, each one number per customer."""

SLOTS = 100
"""Slots of a layer. A customer has one slot per layer, so experiments with other slots have other customers."""

MAX_DAYS = 180
"""Longest duration in days; each day is a look."""

MAX_VARIANTS = 6

Slate = Literal["all", "explore"]
Metric = Literal["clicks", "conversion", "spend", "visits", "retention"]
Slot = Annotated[int, Field(strict=True, ge=0, le=SLOTS)]


class Variant(Section):
    """The lists that customers of one arm get.

    Attributes:
        name: The variant, in decisions and results.
        share: Share of the experiment's customers.
        serve: `champion`, `version` (another one), `baseline` (the simple rule), or `nothing` (an empty list).
        version: The version, with `serve = "version"`.
        diversity: Replaces the diversity of requests that leave it out; null keeps it.
        max_per_category: Replaces the limit per category of requests that leave it out; null keeps it.
    """

    name: Name
    share: Annotated[float, Field(gt=0, lt=1)]
    serve: Literal["champion", "version", "baseline", "nothing"] = "champion"
    version: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    diversity: Annotated[float, Field(ge=0, le=1)] | None = None
    max_per_category: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.serve == "version" and self.version is None:
            raise ValueError('serve = "version" needs the field version. Name a registered version.')
        if self.serve != "version" and self.version is not None:
            raise ValueError(f'version is given, but serve = "{self.serve}". Write serve = "version", or remove it.')
        if self.serve == "nothing" and self.parameters:
            raise ValueError('serve = "nothing" has no list, so it takes no diversity and no max_per_category.')
        return self

    @property
    def parameters(self) -> dict[str, float | int]:
        """Return the parameters of a request that the variant sets, by name."""
        values = {"diversity": self.diversity, "max_per_category": self.max_per_category}
        return {name: value for name, value in values.items() if value is not None}


class Measured(Section):
    """The metrics that decide, and those that must not get worse.

    Attributes:
        primary: The metric that decides.
        guardrails: Metrics whose harm stops the experiment.
        smallest_effect: Smallest effect on the primary metric that matters, as a share of the control's mean.
        conversion_days: Days after the first exposure within which a purchase is a conversion.
        stop_on_harm: Whether the analysis itself stops an experiment that harms.
    """

    primary: Metric
    guardrails: tuple[Metric, ...] = ()
    smallest_effect: Annotated[float, Field(gt=0, le=1)]
    conversion_days: Annotated[int, Field(strict=True, ge=1, le=MAX_DAYS)] = 7
    stop_on_harm: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.primary in self.guardrails:
            raise ValueError(f"guardrails hold the primary metric '{self.primary}', whose harm stops anyway.")
        if len(set(self.guardrails)) < len(self.guardrails):
            raise ValueError("guardrails name a metric twice. Name each once.")
        return self


class Experiment(Section):
    """One experiment of the service.

    Attributes:
        id: Its id, equal to the file's name.
        question: The question that it answers, for people.
        layer: Experiments of one layer have different customers; those of different layers change different things.
        slots: First slot and the slot after the last one, of 100 in the layer.
        starts: First day in the shop's time zone; null: the instant of its announcement.
        longest_days: Days after which it ends.
        slates: The lists that it covers.
        control: The variant that the others are compared with.
        unit: The unit of assignment.
        measure: The metrics.
        variants: Two to six variants, whose shares add up to 1.
    """

    id: Name
    question: Sentence
    layer: Name = "model"
    slots: tuple[Slot, Slot] = (0, SLOTS)
    starts: date | None = None
    longest_days: Annotated[int, Field(strict=True, ge=1, le=MAX_DAYS)]
    slates: Annotated[tuple[Slate, ...], Field(min_length=1)] = ("all", "explore")
    unit: Literal["customer"] = "customer"
    control: Name
    measure: Measured
    variants: tuple[Variant, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [variant.name for variant in self.variants]
        if not 2 <= len(names) <= MAX_VARIANTS:
            raise ValueError(f"variants are {len(names)}. Write 2 to {MAX_VARIANTS} sections [[variants]].")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"variants have the name '{twice[0]}' twice. Give each its own.")
        if self.control not in names:
            raise ValueError(f"control = '{self.control}' is not a variant here. Allowed: {', '.join(names)}.")
        total = math.fsum(variant.share for variant in self.variants)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"variants have shares that add up to {total:g}. They must add up to 1.")
        if self.slots[0] >= self.slots[1]:
            raise ValueError(
                f"slots = {list(self.slots)} hold no customer. Write the first and the one after the last."
            )
        if len(set(self.slates)) < len(self.slates):
            raise ValueError("slates name a list twice. Name each once.")
        if len(self.versions) > 1:
            raise ValueError(
                f"variants serve the versions {', '.join(sorted(self.versions))}. One version next to the champion is "
                "allowed, because each is held in memory."
            )
        return self

    @property
    def shares(self) -> dict[str, float]:
        """Return each variant's share, in the order of the file."""
        return {variant.name: variant.share for variant in self.variants}

    @property
    def versions(self) -> frozenset[str]:
        """Return the versions that variants serve next to the champion."""
        return frozenset(variant.version for variant in self.variants if variant.version is not None)

    @property
    def changes(self) -> frozenset[str]:
        """Return what the variants change: `model`, or the names of parameters."""
        found = {name for variant in self.variants for name in variant.parameters}
        return frozenset(found | ({"model"} if any(one.serve != "champion" for one in self.variants) else set()))

    @property
    def is_aa_test(self) -> bool:
        """Return whether all variants serve the same, which tests the experiment's own machinery."""
        served = [variant.model_dump(exclude={"name", "share"}) for variant in self.variants]
        return all(found == served[0] for found in served)

    def variant(self, name: str) -> Variant:
        """Return a variant by its name."""
        return next(variant for variant in self.variants if variant.name == name)

    def definition(self) -> dict[str, Any]:
        """Return the experiment as JSON values."""
        return self.model_dump(mode="json")
