"""The models' configuration: data in `config.toml`, typed here, unknown names refused."""

import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ml.errors import ConfigError
from ml.ranking import models
from ml.retrieval import encoders
from scoring.candidates.sources import SOURCES
from scoring.rank_features import FEATURE_GROUPS

CONFIG = Path(__file__).with_name("config.toml")

NEEDS_IMPLICIT = (
    "collaborative.factors.factors is above 0, but the package 'implicit' is not installed. Install the dependency "
    "group 'peers' ('uv sync --group peers'), or set factors to 0."
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Windows(_Section):
    """Which points in time train and judge."""

    horizon: ClassVar[int] = 4
    """Weeks in which purchases count after a snapshot: length of labels and of the judged window. It is no setting,
    because the label table (`feat_customer_purchases`), the quality checks and the gate's policy are made for it."""

    ranker_snapshots: int = Field(8, ge=1, description="How many of the newest snapshots train the rankers.")
    retrieval_snapshots: int = Field(12, ge=1, description="How many snapshots before those train the towers.")
    customers: int = Field(50, ge=1, description="Customers known at a snapshot and buying after it, to train on it.")

    @model_validator(mode="before")
    @classmethod
    def _without_horizon(cls, values: Any) -> Any:
        """Read configurations of earlier versions, which name the one horizon there was."""
        if isinstance(values, dict) and "horizon" in values:
            if values["horizon"] != cls.horizon:
                raise ValueError(f"horizon cannot be set: labels reach {cls.horizon} weeks ahead; remove the line")
            return {name: value for name, value in values.items() if name != "horizon"}
        return values


class Retrieval(_Section):
    encoders: list[str] = Field(["pooled"], min_length=1, description="How histories are read; several compete.")
    dimensions: int = 48
    history_epochs: int = Field(20, ge=0, description="Passes over histories with parts hidden, before the others.")
    epochs: int = 1
    customers_per_batch: int = 48
    learning_rate: float = 0.002
    temperature: float = 0.1
    uniform_negatives: int = 1024
    id_dropout: float = 0.3

    @field_validator("encoders")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            if reason := encoders.unknown(name):
                raise ValueError(reason)
        return names


class ItemToItem(_Section):
    regularisation: float = 300.0
    max_customers: int = 4000


class ItemKnn(_Section):
    """Item-to-item nearest neighbours; 0 neighbours switch it off."""

    neighbours: int = 0
    shrinkage: float = 20.0
    min_buyers: int = 5


class Neighbours(_Section):
    count: int = 150


class Factors(_Section):
    """Implicit matrix factorisation; 0 factors switch it off."""

    factors: int = 0
    regularisation: float = 0.05
    confidence: float = 2.0
    iterations: int = 12


class Collaborative(_Section):
    """What everybody's purchases tell at each instant: the models fitted on them, and which products are lively.

    lively_buyers: in a large catalogue, products with fewer buyers in thirteen weeks are put forward to nobody who
        never bought them, unless they are new. 0 (and versions made before there was a limit): every product.
    approximate_above: with more lively products than this, the vectors nearest to a customer's are found by an index
        (the group `ann`), not by looking at all of them. 0: never.
    """

    lively_buyers: int = Field(0, ge=0)
    approximate_above: int = Field(0, ge=0)
    item_to_item: ItemToItem = ItemToItem()
    item_knn: ItemKnn = ItemKnn()
    neighbours: Neighbours = Neighbours()
    factors: Factors = Factors()


class Ranking(_Section):
    rankers: list[str] = Field(["dlrm"], min_length=1)
    families_off: list[str] = Field([], description="Feature families that the rankers do not look at.")
    epochs: int = 2
    customers_per_batch: int = 16
    learning_rate: float = 0.001
    embedding: int = 8
    softmax_share: float = 0.3
    negatives: float = Field(0.3, gt=0, le=1, description="Share of the new candidates not bought that train.")
    held_out: float = Field(0.1, gt=0, lt=1, description="Share of the training lists that compare the rankers.")

    @field_validator("rankers")
    @classmethod
    def _known(cls, rankers: list[str]) -> list[str]:
        for name in rankers:
            if name not in models.names():
                raise ValueError(models.unknown(name))
        return rankers

    @field_validator("families_off")
    @classmethod
    def _families(cls, families: list[str]) -> list[str]:
        known = list(dict.fromkeys(FEATURE_GROUPS.values()))
        for name in families:
            if name not in known:
                raise ValueError(f"there is no feature family '{name}'; known families: {', '.join(known)}")
        return families


class Config(_Section):
    windows: Windows = Windows()
    retrieval: Retrieval = Retrieval()
    collaborative: Collaborative = Collaborative()
    planned_promotions: bool = Field(True, description="Whether mailers and displays are planned before they start.")
    quotas: dict[str, int]
    ranking: Ranking = Ranking()

    @field_validator("quotas")
    @classmethod
    def _known(cls, quotas: dict[str, int]) -> dict[str, int]:
        for name in quotas:
            if name not in SOURCES:
                raise ValueError(f"there is no source '{name}'; known sources: {', '.join(SOURCES)}")
        return quotas

    @model_validator(mode="after")
    def _fitted(self) -> Self:
        if "item_knn" in self.quotas and self.collaborative.item_knn.neighbours == 0:
            raise ValueError(
                "the source 'item_knn' is named but collaborative.item_knn.neighbours is 0, so nothing is fitted for "
                "it; set it to 100, say"
            )
        return self


def load_config(path: Path = CONFIG) -> Config:
    """Read the configuration; ConfigError names file and field."""
    try:
        config = Config.model_validate(tomllib.loads(path.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be used: {error}") from error
    # Said before anything is trained; whoever opens a catalogue elsewhere is told there.
    if config.collaborative.factors.factors > 0 and find_spec("implicit") is None:
        raise ConfigError(f"{path.name} cannot be used: {NEEDS_IMPLICIT}")
    return config
