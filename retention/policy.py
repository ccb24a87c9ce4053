"""The policy of `policy.toml`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from core.toml.model import read_toml
from retention.errors import PolicyError

FILE = Path(__file__).with_name("policy.toml")


class Policy(BaseModel):
    """How long things stay, and how much room a run needs; policy.toml has the reasons."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    airflow_days: float = Field(ge=1)
    data_docs_days: float = Field(ge=0)
    mail_days: float = Field(ge=0)
    process_log_mib: float = Field(gt=0)
    process_log_kept_mib: float = Field(ge=0)
    scratch_hours: float = Field(ge=3)
    run_times_parquet: float = Field(ge=0)
    run_times_text: float = Field(ge=0)
    run_least_mib: float = Field(ge=0)


def load_policy(path: Path = FILE) -> Policy:
    """Read the policy; PolicyError names file and field."""
    return read_toml(path, Policy, PolicyError)
