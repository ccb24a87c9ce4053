"""Which version to serve and where its bundle lies: this installation's champion, or the one in a Bento."""

from collections.abc import Callable
from pathlib import Path

import bentoml

from core.clock import utc_now
from products import DEFAULT_PRODUCT, PRODUCTS
from registry.champion_alias import ChampionAlias, Registry
from registry.model_store import ModelStore
from scoring.bundle import Bundle
from settings import Settings

ReadAlias = Callable[[], ChampionAlias | None]
Load = Callable[[str], Bundle]


def follow_champion(settings: Settings) -> tuple[ReadAlias, Load]:
    """Follow the installation's champion alias; bundles come from its model store."""
    store = ModelStore(settings.paths.bentoml)
    return Registry(settings.paths.release).alias, lambda version: Bundle.open(store.path(version))


def pinned_bundle(bento: bentoml.Bento) -> tuple[ReadAlias, Load]:
    """Serve the one bundle a Bento was built with, by its full tag; `latest` could be another one tomorrow.

    Raises BentoMLException if the Bento holds no bundle: build it with `.venv/bin/python -m registry build`.
    """
    name = PRODUCTS[DEFAULT_PRODUCT].model_name
    versions = [model.tag.version for model in bento.info.all_models if model.tag.name == name]
    if len(versions) != 1:
        raise bentoml.exceptions.BentoMLException(
            f"{bento.tag} holds {len(versions)} bundles, not one. Build it with '.venv/bin/python -m registry build'."
        )
    pointer = ChampionAlias(
        generation=0,
        version=versions[0],
        previous=None,
        changed_at=utc_now(),
        reason=f"built into {bento.tag}",
        by="bento",
    )
    return lambda: pointer, lambda version: Bundle.open(Path(bentoml.models.get(f"{name}:{version}").path))
