"""Choose the parts of training runs to delete, by the policy of `retention.toml`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from core.toml.model import read_toml
from ml.errors import ConfigError

POLICY = Path(__file__).with_name("retention.toml")


class Retention(BaseModel):
    """Hold the number of newest runs that keep each part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_runs: int = Field(ge=1)
    keep_datasets: int = Field(ge=0)
    keep_candidates: int = Field(ge=0)
    unfinished_days: float = Field(ge=0)


@dataclass(frozen=True)
class KeptRun:
    """Describe a run's folder for the policy.

    Attributes:
        run_id: Name of the folder.
        has_verdict: Whether the gate decided.
        changed_at: When a step last published something in the folder (naive UTC).
    """

    run_id: str
    has_verdict: bool
    changed_at: datetime

    def has_ended(self, policy: Retention, now: datetime) -> bool:
        """Return whether the run has a verdict, or no step changed it for `unfinished_days`."""
        return self.has_verdict or now - self.changed_at >= timedelta(days=policy.unfinished_days)


@dataclass(frozen=True)
class Choice:
    """List the runs that lose their candidates, their training set, or their whole folder."""

    candidates: list[str]
    datasets: list[str]
    folders: list[str]


def choose(runs: Sequence[KeptRun], needed: Collection[str], policy: Retention, now: datetime) -> Choice:
    """Return what the policy deletes.

    Args:
        runs: All runs, in any order.
        needed: Ids of runs whose folder stays, regardless of its age.
        policy: The policy of `retention.toml`.
        now: Naive UTC.
    """
    newest = sorted((run for run in runs if run.has_ended(policy, now)), key=lambda run: run.changed_at, reverse=True)
    ids = [run.run_id for run in newest]
    return Choice(
        candidates=ids[policy.keep_candidates :],
        datasets=ids[policy.keep_datasets :],
        folders=[run_id for run_id in ids[policy.keep_runs :] if run_id not in needed],
    )


def load_retention(path: Path = POLICY) -> Retention:
    """Read the policy.

    Raises:
        ConfigError: The file cannot be used; the message names file and field.
    """
    return read_toml(path, Retention, ConfigError)
