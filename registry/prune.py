"""Delete old versions: a bundle takes tens of megabytes, and every retraining that wins adds one."""

import json
import shutil
from collections.abc import Sequence
from datetime import datetime

from core.clock import utc_now
from core.files.bundle import MANIFEST
from core.paths import Paths
from products import DEFAULT_PRODUCT
from registry.bento import SERVICE_NAME
from registry.champion_alias import ChampionAlias, Registry
from registry.model_store import ModelStore
from registry.release_log import Change


def prune_versions(paths: Paths, keep: int, product: str = DEFAULT_PRODUCT) -> list[str]:
    """Delete the bundles of a product that nothing refers to, with their Bentos, and return their versions.

    The champion stays, and so does the version that a rollback goes to. So do the versions in the last `keep` lines of
    the release log and the `keep` newest bundles, because a bundle that was just registered is in no log yet. Versions
    that announced experiments serve stay, too.
    """
    registry, store = Registry(paths.release, product), ModelStore(paths.bentoml, product)
    alias = registry.reconcile()
    # By the file's time instead of its content, so that a manifest which this code cannot read does not stop the run.
    made = {version: (store.path(version) / MANIFEST).stat().st_mtime for version in store.versions()}
    newest = sorted(made, key=lambda version: made[version])[-keep:]
    referenced = referenced_versions(alias, registry.history()[-keep:]) | versions_in_experiments(paths)
    old = sorted(set(made) - referenced - set(newest))
    for version in old:
        store.remove(version)
        if store.product.is_served:
            shutil.rmtree(paths.bentoml / "bentos" / SERVICE_NAME / version, ignore_errors=True)
    return old


def versions_in_experiments(paths: Paths) -> set[str | None]:
    """Return the versions of announced experiments that are neither stopped nor ended."""
    found: set[str | None] = set()
    for file in paths.announced_experiments.glob("*.json"):
        announcement = json.loads(file.read_text())
        if announcement["stopped_at"] is None and datetime.fromisoformat(announcement["ends_at"]) > utc_now():
            found |= {variant["version"] for variant in announcement["experiment"]["variants"]}
    return found


def referenced_versions(alias: ChampionAlias | None, changes: Sequence[Change]) -> set[str | None]:
    """Return every version that the alias or one of the changes names."""
    records: list[ChampionAlias | Change] = [*changes, *([alias] if alias else [])]
    return {version for record in records for version in (record.version, record.previous)}
