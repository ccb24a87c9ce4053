"""Experiments for tests: a definition with defaults, and an announcement that needs no clock."""

from datetime import datetime, timedelta
from typing import Any

from online_experiments.announcement import Announcement
from online_experiments.definition.experiment import Experiment

STARTS_AT = datetime(2017, 10, 2, 4)
"""Midnight of 2017-10-02 in New York."""

SALT = "03" * 16


def variants(**served: dict[str, Any]) -> list[dict[str, Any]]:
    """Return variants of equal shares, by name what each serves."""
    return [{"name": name, "share": 1 / len(served)} | fields for name, fields in served.items()]


def experiment(**changed: Any) -> Experiment:
    """Return an experiment of rule against model on all customers."""
    fields: dict[str, Any] = {
        "id": "rule-or-model",
        "question": "Does the model earn more?",
        "longest_days": 28,
        "control": "rule",
        "measure": {"primary": "spend", "smallest_effect": 0.02},
        "variants": variants(rule={"serve": "baseline"}, model={"serve": "champion"}),
    }
    return Experiment.model_validate(fields | changed)


def announced(starts_at: datetime = STARTS_AT, salt: str = SALT, **changed: Any) -> Announcement:
    """Return an announcement of `experiment`; its days are those of New York, before the clocks go back."""
    found = experiment(**changed)
    return Announcement(
        experiment=found,
        salt=salt,
        announced_at=starts_at,
        announced_by="a test",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=found.longest_days),
    )
