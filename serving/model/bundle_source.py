"""Find the version to serve and its bundle: the installation's champion, or the one in a Bento."""

from collections.abc import Callable
from pathlib import Path

import bentoml

from core.clock import utc_now
from core.restricted import hidden_patterns
from products import DEFAULT_PRODUCT, PRODUCTS
from registry.champion_alias import ChampionAlias, Registry
from registry.model_store import ModelStore
from scoring.bundle import Bundle
from settings import Settings, SettingsError

ReadAlias = Callable[[], ChampionAlias | None]
Load = Callable[[str], Bundle]


def follow_champion(settings: Settings) -> tuple[ReadAlias, Load]:
    """Return a reader of the installation's champion alias, and a loader of bundles from its model store."""
    store = ModelStore(settings.paths.bentoml)
    patterns = hidden_patterns(settings.exclude_restricted, settings.contact_policy, SettingsError)
    return Registry(settings.paths.release).alias, lambda version: Bundle.open(store.path(version)).without(patterns)


def pinned_bundle(bento: bentoml.Bento, settings: Settings) -> tuple[ReadAlias, Load]:
    """Return a constant pointer to the bundle of a Bento, and its loader.

    The bundle is loaded by its full tag, because `latest` may be another one tomorrow.

    Raises:
        BentoMLException: The Bento does not contain exactly one bundle.
    """
    name = PRODUCTS[DEFAULT_PRODUCT].model_name
    versions = [model.tag.version for model in bento.info.all_models if model.tag.name == name]
    if len(versions) != 1:
        raise bentoml.exceptions.BentoMLException(
            f"{bento.tag} contains {len(versions)} bundles instead of one. "
            "Build it with '.venv/bin/python -m registry build'."
        )
    pointer = ChampionAlias(
        generation=0,
        version=versions[0],
        previous=None,
        changed_at=utc_now(),
        reason=f"built into {bento.tag}",
        by="bento",
    )
    patterns = hidden_patterns(settings.exclude_restricted, settings.contact_policy, SettingsError)

    def load(version: str) -> Bundle:
        return Bundle.open(Path(bentoml.models.get(f"{name}:{version}").path)).without(patterns)

    return lambda: pointer, load
