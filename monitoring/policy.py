"""The limits of `policy.toml`, and the rule that compares a figure with its limit."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from core.toml.model import read_toml
from monitoring.errors import PolicyError
from monitoring.figures import WATCHES, Evaluated, Figure

FILE = Path(__file__).with_name("policy.toml")

MIN_BEFORE, MAX_BEFORE = 7, 56
"""Earlier values of a watch that its limit depends on; with fewer, `least` alone is the limit."""

EPISODE = timedelta(days=14)
"""Alarms about the same subject within this time are one."""

NORMAL_CONSISTENCY = 1.4826
"""Factor from a median absolute deviation to the standard deviation of a normal distribution."""


class Limit(BaseModel):
    """The limit of one watch.

    Attributes:
        least: No value up to this one is an alarm.
        deviations: Robust deviations above the median of the earlier values; None if these do not matter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: float = Field(ge=0)
    deviations: float | None = Field(None, gt=0)


class Policy(RootModel[dict[str, Limit]]):
    """The limits by watch; policy.toml has the reasons."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root")
    @classmethod
    def _known(cls, value: dict[str, Limit]) -> dict[str, Limit]:
        if unknown := sorted(set(value) - set(WATCHES)):
            raise ValueError(f"{', '.join(unknown)}: no watch has this name. Watches are: {', '.join(WATCHES)}")
        return value

    def of(self, watch: str) -> Limit:
        """Return the limit of a watch."""
        return self.root[watch]


def load_policy(own: Path | None = None) -> Policy:
    """Read the policy; a section of the shop's own file replaces the packaged one.

    Args:
        own: REACH_MONITORING_POLICY, a file that holds only what differs.

    Raises:
        PolicyError: A file cannot be used; the message names file and field.
    """
    limits = read_toml(FILE, Policy, PolicyError).root
    return Policy(limits | (read_toml(own, Policy, PolicyError).root if own else {}))


def evaluated(figures: Sequence[Figure], policy: Policy) -> list[Evaluated]:
    """Compare every figure with its limit, which depends only on figures of earlier days.

    Args:
        figures: figures of any watches, in any order.
        policy: the limits.

    Returns:
        The figures by watch and day.
    """
    found = []
    for watch in WATCHES:
        series = sorted((figure for figure in figures if figure.watch == watch), key=lambda figure: figure.day)
        limit = policy.of(watch)
        for index, figure in enumerate(series):
            before = [earlier.value for earlier in series[max(0, index - MAX_BEFORE) : index]]
            found.append(Evaluated(figure, _limit(limit, before)))
    return found


def episodes(found: Sequence[Evaluated]) -> list[Evaluated]:
    """Return the alarms that a person would get: those about a subject with no alarm in the EPISODE days before."""
    last: dict[tuple[str, str | None], date] = {}
    new = []
    for alarm in sorted((one for one in found if one.is_alarm), key=lambda one: one.figure.day):
        key = (alarm.figure.watch, alarm.figure.subject)
        if key not in last or alarm.figure.day - last[key] > EPISODE:
            new.append(alarm)
        last[key] = alarm.figure.day
    return new


def _limit(limit: Limit, before: Sequence[float]) -> float:
    if limit.deviations is None or len(before) < MIN_BEFORE:
        return limit.least
    middle = median(before)
    deviation = NORMAL_CONSISTENCY * median(abs(value - middle) for value in before)
    return max(limit.least, middle + limit.deviations * deviation)
