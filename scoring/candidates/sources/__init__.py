"""Every candidate source: one file each, whose name is the source's in `ml/config.toml`, answers and reports.

A file holds one class that extends `scoring.candidates.source.CandidateSource`.
"""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.candidates.source import CandidateSource, SourceSettings
from scoring.catalogue import MODELS, Catalogue
from scoring.errors import ScoringError
from scoring.models.fitted import FittedModel


def _load(name: str) -> CandidateSource:
    module = import_module(f"{__name__}.{name}")
    classes = [
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, CandidateSource) and found.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ScoringError(f"{module.__file__} holds {len(classes)} candidate sources, but a source's file holds one.")
    source = classes[0]()
    source.name = name
    return source


SOURCES: Mapping[str, CandidateSource] = {
    source.name: source
    for source in sorted(
        (_load(found.name) for found in pkgutil.iter_modules(__path__)), key=lambda source: (source.order, source.name)
    )
}
"""Every source by its name, in the order of the ranker's columns."""


def fit_models(settings: Mapping[str, SourceSettings], purchases: PurchaseMatrix, seed: int) -> dict[str, FittedModel]:
    """Fit the models that these sources read, by the name of the source that fits each.

    Args:
        settings: The configured sources with their settings.
        purchases: All customers' purchases in the catalogue's order.
        seed: The run's seed.
    """
    needed = {SOURCES[name].model_name for name in settings} - {""}
    return {
        name: SOURCES[name].fit(purchases, settings.get(name, SOURCES[name].settings_class()), seed)
        for name in sorted(needed)
    }


def load_models(folder: Path) -> dict[str, FittedModel]:
    """Read the models that `Catalogue.save` wrote below a folder, by the name of the source that fits each.

    Raises:
        ScoringError: A model belongs to a source that this code does not have.
    """
    models = {}
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        model_class = SOURCES[path.name].model_class if path.name in SOURCES else None
        if model_class is None:
            raise ScoringError(
                f"{path} is the model of a candidate source that this code does not have. "
                f"Add scoring/candidates/sources/{path.name}.py, or train a new version with 'make retrain'."
            )
        models[path.name] = model_class.load(path)
    return models


def load_catalogue(folder: Path) -> Catalogue:
    """Read a saved catalogue together with its models."""
    return Catalogue.load(folder, load_models(folder / MODELS))
