"""The policy of the gate: requirements on a challenger before it may be deployed, read from `gate.toml`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ml.errors import ConfigError

POLICY = Path(__file__).with_name("gate.toml")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Coverage(_Section):
    """How many different products the first ten of a slate must show in total."""

    score: str
    minimum: int


class Slices(_Section):
    """The scores on which no group of customers may fall below the baselines."""

    confidence: float
    scores: list[str]
    baselines: list[str]


class Serving(_Section):
    """The limits on single requests and on the model's files."""

    min_list_agreement: float
    min_feature_agreement: float
    max_median_cpu_ms: float
    max_cpu_ratio: float
    max_model_mb: float


class Policy(_Section):
    """The requirements on a challenger; see the comments in `gate.toml`."""

    primary: str
    confidence: float
    min_customers: int
    plausibility_ceiling: float
    non_inferiority_margins: dict[str, float]
    must_beat: dict[str, str]
    slices: Slices
    coverage: Coverage
    max_calibration_error: dict[str, float]
    serving: Serving


def load_policy(path: Path = POLICY) -> Policy:
    """Read the policy of the gate.

    Raises:
        ConfigError: The file cannot be read, or names a key that the policy does not have.
    """
    try:
        values = tomllib.loads(path.read_text())
        renamed = [f"'{old}' is now '{new}'" for old, new in _RENAMED.items() if _has(values, old)]
        if renamed:
            raise ConfigError(f"{path.name} uses keys of an earlier version: {'; '.join(renamed)}. Rename them there.")
        return Policy.model_validate(values)
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be used: {error}") from error


_RENAMED = {
    "leak_ceiling": "plausibility_ceiling",
    "non_inferior": "non_inferiority_margins",
    "beat": "must_beat",
    "slices.against": "slices.baselines",
    "coverage.slate": "coverage.score",
    "coverage.least": "coverage.minimum",
    "calibration": "max_calibration_error",
    "serving.agreement": "serving.min_list_agreement",
    "serving.features": "serving.min_feature_agreement",
    "serving.milliseconds": "serving.max_median_cpu_ms",
    "serving.max_median_latency_ms": "serving.max_median_cpu_ms",
    "serving.times_champion": "serving.max_cpu_ratio",
    "serving.max_latency_ratio": "serving.max_cpu_ratio",
    "serving.megabytes": "serving.max_model_mb",
}
"""Keys of earlier versions and the keys that replace them, by their dotted names."""


def _has(values: Mapping[str, Any], key: str) -> bool:
    """Return whether the policy has a key, given by its dotted name."""
    section, _, name = key.rpartition(".")
    return name in (values.get(section, {}) if section else values)
