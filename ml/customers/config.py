"""The customer model's configuration: data in `config.toml`, typed here; unknown names are an error."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml.errors import ConfigError

CONFIG = Path(__file__).with_name("config.toml")

LABEL_WEEKS = 4
"""Weeks before its snapshot that a row of `feat_customer_purchases` counts."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GatePolicy(_Section):
    """What a challenger must show; see the comments in `config.toml`."""

    confidence: float = Field(gt=0.5, lt=1)
    min_customers: int = Field(ge=1)
    min_churned: int = Field(ge=1)
    auc_margin: float = Field(ge=0)
    max_calibration_error: float = Field(gt=0)


class ChurnConfig(_Section):
    """Whom the model scores and how it is trained; see the comments in `config.toml`."""

    horizon_weeks: int = Field(ge=LABEL_WEEKS, multiple_of=LABEL_WEEKS)
    active_days: int = Field(ge=7)
    training_snapshots: int = Field(ge=1)
    penalties: list[float] = Field(min_length=1)
    gate: GatePolicy


def load_config(path: Path = CONFIG) -> ChurnConfig:
    """Read the configuration.

    Raises:
        ConfigError: the file cannot be read, or a field is unknown or has an impossible value.
    """
    try:
        return ChurnConfig.model_validate(tomllib.loads(path.read_text()))
    except (OSError, ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be used: {error}") from error
