"""The models' configuration: values in `config.toml`, types and checks here. Unknown names are errors."""

import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ml.errors import ConfigError
from ml.plugins import ENCODERS, RANKERS
from scoring.candidates.sources import SOURCES
from scoring.rank_features import FEATURE_GROUPS

CONFIG = Path(__file__).with_name("config.toml")

NEEDS_IMPLICIT = (
    "collaborative.matrix_factorization.n_factors is above 0, but the package 'implicit' is not installed. Install the "
    "dependency group 'peers' ('uv sync --group peers'), or set n_factors to 0."
)


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
    """Which points in time train and evaluate."""

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
    """The two towers and their training."""

    renamed: ClassVar[Mapping[str, str]] = {"encoders": "history_encoders", "history_epochs": "pretraining_epochs"}

    history_encoders: list[str] = Field(
        ["pooled"], min_length=1, description="How the query tower encodes a history; several compete."
    )
    dimensions: int = 48
    pretraining_epochs: int = Field(20, ge=0, description="Passes over histories of which a part is masked.")
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


class ItemToItemConfig(_Section):
    """EASE (item-to-item weights)."""

    regularisation: float = 300.0
    max_customers: int = 4000


class ItemKnnConfig(_Section):
    """Nearest neighbours of products; 0 neighbours switch them off."""

    renamed: ClassVar[Mapping[str, str]] = {"neighbours": "n_neighbours"}

    n_neighbours: int = 0
    shrinkage: float = 20.0
    min_buyers: int = 5


class UserKnnConfig(_Section):
    """Nearest neighbours of customers."""

    renamed: ClassVar[Mapping[str, str]] = {"count": "n_neighbours"}

    n_neighbours: int = 150


class MatrixFactorizationConfig(_Section):
    """Implicit matrix factorisation; 0 factors switch it off."""

    renamed: ClassVar[Mapping[str, str]] = {"factors": "n_factors"}

    n_factors: int = 0
    regularisation: float = 0.05
    confidence: float = 2.0
    iterations: int = 12


class CollaborativeConfig(_Section):
    """Models fitted on everybody's purchases at a snapshot, and which products are candidates.

    Attributes:
        lively_buyers: Products with fewer buyers in thirteen weeks are candidates only for customers who bought them
            before, unless they are new. 0, also of bundles that lack the key: every product is a candidate.
        approximate_above: With more active products than this, an approximate index (dependency group `ann`) finds the
            vectors nearest to a customer's instead of an exact search. 0: always exact.
    """

    renamed: ClassVar[Mapping[str, str]] = {"neighbours": "user_knn", "factors": "matrix_factorization"}

    lively_buyers: int = Field(0, ge=0)
    approximate_above: int = Field(0, ge=0)
    item_to_item: ItemToItemConfig = ItemToItemConfig()
    item_knn: ItemKnnConfig = ItemKnnConfig()
    user_knn: UserKnnConfig = UserKnnConfig()
    matrix_factorization: MatrixFactorizationConfig = MatrixFactorizationConfig()


class RankingConfig(_Section):
    """The rankers and their training."""

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
    """The whole configuration of a training run."""

    renamed: ClassVar[Mapping[str, str]] = {
        "windows": "training_windows",
        "planned_promotions": "promotions_known_in_advance",
        "quotas": "candidates_per_source",
    }

    training_windows: TrainingWindowsConfig = TrainingWindowsConfig()
    retrieval: RetrievalConfig = RetrievalConfig()
    collaborative: CollaborativeConfig = CollaborativeConfig()
    promotions_known_in_advance: bool = Field(
        True, description="Whether mailers and displays are planned before they start."
    )
    candidates_per_source: dict[str, int]
    ranking: RankingConfig = RankingConfig()

    @field_validator("candidates_per_source")
    @classmethod
    def _known(cls, quotas: dict[str, int]) -> dict[str, int]:
        for name in quotas:
            if name not in SOURCES:
                raise ValueError(f"there is no source '{name}'; known sources: {', '.join(SOURCES)}")
        return quotas

    @model_validator(mode="after")
    def _fitted(self) -> Self:
        if "item_knn" in self.candidates_per_source and self.collaborative.item_knn.n_neighbours == 0:
            raise ValueError(
                "the source 'item_knn' is named but collaborative.item_knn.n_neighbours is 0, so nothing is fitted for "
                "it; set it to 100, for example"
            )
        return self


def load_config(path: Path = CONFIG) -> Config:
    """Read the configuration. Raises ConfigError, which names file and field."""
    try:
        config = Config.model_validate(tomllib.loads(path.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be used: {error}") from error
    # Checked here, before anything is trained; building a catalogue from another configuration checks it again.
    if config.collaborative.matrix_factorization.n_factors > 0 and find_spec("implicit") is None:
        raise ConfigError(f"{path.name} cannot be used: {NEEDS_IMPLICIT}")
    return config
