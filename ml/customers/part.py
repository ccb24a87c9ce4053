"""A part of the customer model (predictions, tags, taste, segments, audiences, offers), and its verdict."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ml.customers.inputs import Inputs

VERDICT = "verdict.json"
"""The file in a part's folder that holds the verdict on it."""


class Decision(StrEnum):
    """List what a part can publish."""

    MODEL = "model"
    RULE = "rule"
    """A simple rule, because no model is shown to be better."""
    REFUSED = "refused"
    """Nothing, because nothing meets the bars."""
    NOT_ENOUGH_DATA = "not enough data"
    """The part published before, because the window does not hold enough to decide."""


@dataclass(frozen=True)
class Measure:
    """One figure of a closed window.

    Attributes:
        value: the figure.
        low: lower end of its 95% interval, None if it has none.
        high: upper end.
        bar: what it must reach to be published; None if it is only reported.
        at_most: whether the bar is an upper one.
    """

    value: float
    low: float | None = None
    high: float | None = None
    bar: float | None = None
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        """Return whether the figure meets its bar."""
        if self.bar is None:
            return True
        return self.value <= self.bar if self.at_most else self.value >= self.bar


@dataclass(frozen=True)
class Verdict:
    """Hold the outcome of a part on the newest closed window.

    Attributes:
        decision: what it publishes.
        reasons: why, one sentence each; names of rejected alternatives with their figures.
        measures: figures by name, as the benchmark of the customer model prints them.
        until: the day before which everything lies that the part was fitted on.
        tables: further results for the report, rows by table name; a row maps column names to values.
    """

    decision: Decision
    reasons: Sequence[str]
    measures: Mapping[str, Measure]
    until: date
    tables: Mapping[str, Sequence[Mapping[str, str | float | None]]] = field(default_factory=dict)

    @property
    def publishes(self) -> bool:
        """Return whether the part's files go into the bundle."""
        return self.decision in (Decision.MODEL, Decision.RULE)

    def to_json(self) -> str:
        """Return this as JSON, which `from_json` reads."""
        return json.dumps(asdict(self), default=str, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Verdict":
        """Return the verdict that `to_json` wrote."""
        values = json.loads(text)
        return cls(
            Decision(values["decision"]),
            values["reasons"],
            {name: Measure(**measure) for name, measure in values["measures"].items()},
            date.fromisoformat(values["until"]),
            values["tables"],
        )


class Part(Protocol):
    """Fit and evaluate one kind of score. Its files go into the bundle, and the champion's files score."""

    @property
    def name(self) -> str:
        """Return the name: of its folder in the bundle, and of the file that it publishes."""

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        """Fit on closed windows, evaluate once on the newest one, and write the model's files into `folder`.

        Raises:
            NotEnoughDataError: the tables do not hold what a decision needs; the part published before stays.
        """

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        """Read the files in `folder`, and write the tables of `inputs.now` into the folder `published`."""
