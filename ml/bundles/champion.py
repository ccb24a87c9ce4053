"""Find the deployed version, and decide whether a challenger can be compared with it."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ml.config import CatalogueConfig, read_sources
from ml.runs.spec import RunSpec
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from scoring.bundle import VOCABULARY, Manifest, read_manifest
from scoring.candidates.source import SourceSettings
from scoring.errors import BundleFormatError
from scoring.vocabulary import Vocabulary
from settings import Settings

logger = logging.getLogger(__name__)

MIN_KNOWN_SHARE = 0.1
"""Smallest share of recently sold products that a champion was trained with. Below it, the champion is of another shop:
even a fashion shop that renews its assortment within a season still sells more than a tenth of the former one."""


@dataclass(frozen=True)
class ChampionBundle:
    """A deployed bundle: its folder and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def version(self) -> str:
        """Return the version that the manifest names."""
        return self.manifest.version

    @property
    def is_baseline(self) -> bool:
        """Return whether it is a baseline, deployed because no trained version ever passed the gate."""
        return bool(self.manifest.baseline)

    @property
    def sources(self) -> dict[str, SourceSettings]:
        """Return the candidate sources that it was trained with, and their settings."""
        return read_sources(self.manifest.sources)

    @property
    def catalogue(self) -> CatalogueConfig:
        """Return the configuration of its catalogue."""
        return CatalogueConfig.model_validate(self.manifest.catalogue)

    def another_shop(self, sold: Collection[str]) -> str | None:
        """Return why this version is of another shop's data, or None if it is of this one.

        Args:
            sold: Ids of the products sold in the last four weeks.
        """
        if self.is_baseline or not sold:
            return None
        known = len(set(sold).intersection(Vocabulary.load(self.path / VOCABULARY).values["product_id"]))
        if known >= MIN_KNOWN_SHARE * len(sold):
            return None
        return (
            f"{self.version} was trained with {known:,} of the {len(sold):,} products sold in the last 4 weeks, "
            "so it is of another shop's data."
        )


def deployed_champion(settings: Settings) -> ChampionBundle | None:
    """Return the deployed version; None before the first deployment, or if this code cannot read its format."""
    champion = Registry(settings.paths.release).champion()
    if champion is None:
        return None
    path = ModelStore(settings.paths.bentoml).path(champion.version)
    try:
        return ChampionBundle(path, read_manifest(path))
    except BundleFormatError as error:
        logger.info(f"{error} The baselines are the opponents.")
        return None


def comparable_champion(settings: Settings, spec: RunSpec) -> ChampionBundle | None:
    """Return the deployed version if the challenger of this run can be compared with it, otherwise None.

    A version is not comparable if it was trained on purchases in the evaluation window, because its memory would look
    like skill. This happens to a run of an earlier day, or on the validation window. A version with other features than
    this code computes cannot be scored. A baseline is skipped, because every challenger has to beat the baselines.
    """
    champion = deployed_champion(settings)
    if champion is None:
        return None
    if champion.is_baseline:
        logger.info(f"{champion.version} is a baseline, so the baselines are the opponents.")
        return None
    evaluated, trained_until = spec.day(spec.split.evaluation), champion.manifest.trained_until
    if trained_until > evaluated:
        why = f"was trained on purchases until {trained_until}, inside the evaluation window (from {evaluated})"
    elif not champion.manifest.has_present_features:
        why = f"was made with other features than this code computes ({champion.manifest.changed_features})"
    else:
        return champion
    logger.info(f"{champion.version} {why}; the baselines are the opponents.")
    return None
