"""Old versions leave the store: a bundle is tens of megabytes, and every retraining that wins adds one."""

import shutil

from registry.bento import SERVICE_NAME
from registry.champion_alias import Pointer, Registry
from registry.model_store import ModelStore
from registry.release_log import Change
from scoring.bundle import MANIFEST
from settings import Paths


def prune(paths: Paths, keep: int) -> list[str]:
    """Delete the bundles that nothing points back to, with the Bentos built of them; returns their versions.

    Kept are the champion and the one that a rollback goes to, every version that the last `keep` lines of the release
    log name, and the `keep` newest bundles: one that was published a moment ago stands in no log yet.
    """
    registry, store = Registry(paths.release), ModelStore(paths.bentoml)
    pointer = registry.reconcile()
    # By the file's time, not its words: a manifest that this code cannot read any more must not end the run.
    made = {version: (store.path(version) / MANIFEST).stat().st_mtime for version in store.versions()}
    newest = sorted(made, key=lambda version: made[version])[-keep:]
    old = sorted(set(made) - named(pointer, registry.history()[-keep:]) - set(newest))
    for version in old:
        store.remove(version)
        shutil.rmtree(paths.bentoml / "bentos" / SERVICE_NAME / version, ignore_errors=True)
    return old


def named(pointer: Pointer | None, changes: list[Change]) -> set[str | None]:
    """Every version that the pointer or one of the changes speaks of."""
    said: list[Pointer | Change] = [*changes, *([pointer] if pointer else [])]
    return {version for one in said for version in (one.version, one.previous)}
