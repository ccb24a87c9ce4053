"""Read the models' configuration: values in `config.toml`, types and checks here. Unknown names are errors.

A file of one's own (`REACH_MODELS_CONFIG`) holds only what differs, as `quick.toml` does for short trainings.
"""

import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from ml.errors import ConfigError
from ml.plugins import ENCODERS, RANKERS
from scoring.candidates.source import SourceSettings
from scoring.candidates.sources import SOURCES
from scoring.rank_features import FEATURE_GROUPS

CONFIG = Path(__file__).with_name("config.toml")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    renamed: ClassVar[Mapping[str, str]] = {}
    """Keys of earlier versions and their present names."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_renamed(cls, values: Any) -> Any:
        """Raise an error that names the present key when a key of an earlier version is set."""
        old = [name for name in cls.renamed if isinstance(values, dict) and name in values]
        if old:
            raise ValueError("; ".join(f"'{name}' is now called '{cls.renamed[name]}'" for name in old))
        return values


class TrainingWindowsConfig(_Section):
    """Select the snapshots that train and evaluate."""

    renamed: ClassVar[Mapping[str, str]] = {"customers": "min_customers"}

    horizon: ClassVar[int] = 4
    """Weeks in which purchases count after a snapshot: length of labels and of the evaluation window. It is not a
    setting, because the label table (`feat_customer_purchases`), the quality checks and the gate rely on it."""

    ranker_snapshots: int = Field(8, ge=1, description="How many of the newest snapshots train the rankers.")
    retrieval_snapshots: int = Field(12, ge=1, description="How many snapshots before those train the towers.")
    min_customers: int = Field(
        50, ge=1, description="A snapshot trains if this many customers bought both before it and after it."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_horizon(cls, values: Any) -> Any:
        """Accept the one horizon that exists, and refuse any other."""
        if isinstance(values, dict) and "horizon" in values:
            if values["horizon"] != cls.horizon:
                raise ValueError(f"horizon cannot be set: labels reach {cls.horizon} weeks ahead; remove the line")
            return {name: value for name, value in values.items() if name != "horizon"}
        return values


class RetrievalConfig(_Section):
    """Configure the two towers and their training."""

    renamed: ClassVar[Mapping[str, str]] = {"encoders": "history_encoders", "history_epochs": "pretraining_epochs"}

    history_encoders: list[str] = Field(
        ["pooled"], min_length=1, description="How the query tower encodes a history; several compete."
    )
    dimensions: int = 48
    pretraining_epochs: int = Field(20, ge=0, description="Passes over partly masked histories.")
    epochs: int = 1
    customers_per_batch: int = 48
    learning_rate: float = 0.002
    temperature: float = 0.1
    uniform_negatives: int = 1024
    id_dropout: float = 0.3

    @field_validator("history_encoders")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            for part in name.split("+"):
                if part not in ENCODERS.names():
                    raise ValueError(f"{ENCODERS.unknown(part)} 'a+b' joins two of them.")
        return names


class CatalogueConfig(_Section):
    """Configure which products are candidates, and how their vectors are searched.

    Attributes:
        min_recent_buyers: In a large catalogue, products with fewer buyers in thirteen weeks are candidates only for
            customers who bought them before, unless they are new. 0: every product is a candidate.
        ann_above_products: With more active products than this, an approximate index (dependency group `ann`) finds the
            vectors nearest to a customer's instead of an exact search. 0: always exact.
    """

    min_recent_buyers: int = Field(0, ge=0)
    ann_above_products: int = Field(0, ge=0)


class RankingConfig(_Section):
    """Configure the rankers and their training."""

    renamed: ClassVar[Mapping[str, str]] = {
        "families_off": "disabled_feature_groups",
        "softmax_share": "softmax_loss_weight",
        "negatives": "negative_sampling_rate",
        "held_out": "holdout_share",
    }

    rankers: list[str] = Field(["dlrm"], min_length=1)
    disabled_feature_groups: list[str] = Field([], description="Feature groups that the rankers do not read.")
    epochs: int = 2
    customers_per_batch: int = 16
    learning_rate: float = 0.001
    embedding: int = 8
    softmax_loss_weight: float = 0.3
    negative_sampling_rate: float = Field(
        0.3, gt=0, le=1, description="Share of the new candidates without a purchase that train."
    )
    holdout_share: float = Field(
        0.1, gt=0, lt=1, description="Share of the training lists held out to compare the rankers."
    )

    @field_validator("rankers")
    @classmethod
    def _known(cls, rankers: list[str]) -> list[str]:
        for name in rankers:
            if name not in RANKERS.names():
                raise ValueError(RANKERS.unknown(name))
        return rankers

    @field_validator("disabled_feature_groups")
    @classmethod
    def _groups(cls, groups: list[str]) -> list[str]:
        known = list(dict.fromkeys(FEATURE_GROUPS.values()))
        for name in groups:
            if name not in known:
                raise ValueError(f"there is no feature group '{name}'; known feature groups: {', '.join(known)}")
        return groups


class Config(_Section):
    """Hold the whole configuration of a training run."""

    renamed: ClassVar[Mapping[str, str]] = {
        "windows": "training_windows",
        "planned_promotions": "promotions_known_in_advance",
        "quotas": "sources",
        "candidates_per_source": "sources",
        "collaborative": "sources, a line for each source, and catalogue",
    }

    training_windows: TrainingWindowsConfig = TrainingWindowsConfig()
    retrieval: RetrievalConfig = RetrievalConfig()
    catalogue: CatalogueConfig = CatalogueConfig()
    promotions_known_in_advance: bool = Field(
        True, description="Whether mailers and displays are planned before they start."
    )
    sources: dict[str, SerializeAsAny[SourceSettings]]
    ranking: RankingConfig = RankingConfig()

    @property
    def candidates_per_source(self) -> dict[str, int]:
        """Return the quota of each source: how many products it may propose."""
        return {name: settings.quota for name, settings in self.sources.items()}

    @field_validator("sources", mode="before")
    @classmethod
    def _read_sources(cls, lines: Any) -> Any:
        return read_sources(lines) if isinstance(lines, Mapping) else lines


def read_sources(lines: Mapping[str, Any]) -> dict[str, SourceSettings]:
    """Read the section `[sources]`.

    Args:
        lines: For each source its quota, or a table of its settings.

    Raises:
        ValueError: A source is unknown, or its settings are wrong.
    """
    settings = {}
    for name, line in lines.items():
        if name not in SOURCES:
            raise ValueError(f"there is no source '{name}'; known sources: {', '.join(SOURCES)}")
        kind = SOURCES[name].settings_class
        if isinstance(line, SourceSettings):
            settings[name] = kind.model_validate(line.model_dump())
        else:
            settings[name] = kind.model_validate({"quota": line} if isinstance(line, int) else line)
    return settings


def load_config(path: Path = CONFIG, own: Path | None = None) -> Config:
    """Read the configuration.

    Args:
        path: The file with a value for every name.
        own: A file whose values replace those of `path`, section by section.

    Raises:
        ConfigError: A file cannot be used; the message names file and field.
    """
    values = _read(path)
    if own is not None:
        for name, value in _read(own).items():
            section = values.get(name)
            values[name] = {**section, **value} if isinstance(section, dict) and isinstance(value, dict) else value
        path = own
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path.name} cannot be used: {error}") from error
    # Checked here, before anything is trained; fitting the source checks it again.
    for name in config.sources:
        package = SOURCES[name].package
        if package is not None and find_spec(package[0]) is None:
            raise ConfigError(
                f"{path.name} cannot be used: the source '{name}' needs the package '{package[0]}', which is not "
                f"installed. Install the dependency group '{package[1]}' ('uv sync --group {package[1]}'), or remove "
                "its line from [sources]."
            )
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be used: {error}") from error
