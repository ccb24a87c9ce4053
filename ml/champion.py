"""The deployed version, as an opponent for the challenger."""

from dataclasses import dataclass
from pathlib import Path

from ml.config import Collaborative
from ml.steps.plan import Plan
from release.registry import Registry
from release.store import ModelStore
from scoring.bundle import Manifest, read_manifest
from settings import Settings


@dataclass(frozen=True)
class Champion:
    """A deployed bundle: where it lies and what it says of itself."""

    path: Path
    manifest: Manifest

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def collaborative(self) -> Collaborative:
        return Collaborative.model_validate(self.manifest.collaborative)


def deployed(settings: Settings) -> Champion | None:
    """The version that serves now, or None before the first deployment."""
    pointer = Registry(settings.paths.release).champion()
    if pointer is None or pointer.version is None:
        return None
    path = ModelStore(settings.paths.bentoml).path(pointer.version)
    return Champion(path, read_manifest(path))


def find_champion(settings: Settings, plan: Plan) -> Champion | None:
    """The deployed version if it is a fair opponent for this run.

    It is none if it learned from purchases in the window that this run is judged on (a run of an earlier day, or
    on the validation window): what it knows would look like skill.
    """
    champion = deployed(settings)
    judged = plan.day(plan.split.judged)
    if champion is None or champion.manifest.trained_until <= judged:
        return champion
    print(
        f"{champion.version} learned from purchases until {champion.manifest.trained_until}, so it knows the window "
        f"from {judged} on; the simple rules are the opponents.",
        flush=True,
    )
    return None
