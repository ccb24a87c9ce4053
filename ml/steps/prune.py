"""Delete parts of ended runs, by the policy of `ml/runs/retention.toml`."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.clock import naive_utc, utc_now
from ml.runs.artifacts import CANDIDATES, DATASET, GATE, OLD_RUN_SPEC, RUN_SPEC
from ml.runs.retention import KeptRun, Retention, choose
from registry.model_store import ModelStore
from scoring.bundle import read_manifest
from scoring.errors import BundleError
from settings import Settings

logger = logging.getLogger(__name__)

_LEAVING = ".deleted-"
"""Prefix that a part gets before it is deleted, so that a killed step leaves no half-deleted part under its name."""


def prune(settings: Settings, policy: Retention, now: datetime | None = None) -> dict[str, Any]:
    """Apply the policy to every folder in `<data>/runs`.

    Args:
        settings: The settings of the installation.
        policy: The policy of `ml/runs/retention.toml`.
        now: Naive UTC; the clock's time by default.

    Returns:
        The freed bytes in total and by run and part, and the ids of the kept runs.
    """
    runs = settings.paths.runs
    choice = choose(_runs(runs), _needed(settings), policy, now or utc_now())
    freed = _finish_deletions(runs)
    for run_id in choice.folders:
        freed[run_id] = delete_part(runs / run_id)
    for part, run_ids in ((CANDIDATES, choice.candidates), (DATASET, choice.datasets)):
        for run_id in run_ids:
            if (runs / run_id / part).exists():
                freed[f"{run_id}/{part}"] = delete_part(runs / run_id / part)
    for name, size in freed.items():
        logger.info(f"Deleted {name}: {size / 1e6:,.1f} MB.")
    kept = sorted(run.run_id for run in _runs(runs))
    total = sum(freed.values())
    logger.info(f"Freed {total / 1e6:,.1f} MB by ml/runs/retention.toml; {len(kept)} runs stay.")
    return {"freed_bytes": total, "freed": freed, "kept": kept}


def _runs(runs: Path) -> list[KeptRun]:
    """Return every run, found by the specification that `build-dataset` writes; other folders are never deleted."""
    found = []
    for folder in sorted({spec.parent for name in (RUN_SPEC, OLD_RUN_SPEC) for spec in runs.glob(f"*/{name}")}):
        if not folder.is_symlink():
            changed = max(file.stat().st_mtime for file in folder.iterdir() if not file.is_symlink())
            changed_at = naive_utc(datetime.fromtimestamp(changed, UTC))
            found.append(KeptRun(folder.name, (folder / GATE).exists(), changed_at))
    return found


def _needed(settings: Settings) -> set[str]:
    """Return the ids of the newest evaluated run and of the runs whose versions are in the model store."""
    store = ModelStore(settings.paths.bentoml)
    needed = {(settings.paths.runs / "latest").resolve().name}
    for version in store.versions():
        with suppress(BundleError):  # a manifest that this code cannot read names no run
            needed.add(read_manifest(store.path(version)).run_id)
    return needed


def _finish_deletions(runs: Path) -> dict[str, int]:
    """Delete parts that a killed pruning had renamed."""
    return {str(path.relative_to(runs)): _remove(path) for path in _leaving(runs)}


def _leaving(runs: Path) -> Iterator[Path]:
    yield from sorted(runs.glob(f"{_LEAVING}*"))
    # `latest` is a link to one of the runs.
    yield from sorted(path for path in runs.glob(f"*/{_LEAVING}*") if not path.parent.is_symlink())


def delete_part(path: Path) -> int:
    """Rename a folder out of use, then delete it.

    Returns:
        The freed bytes.
    """
    leaving = path.with_name(f"{_LEAVING}{path.name}")
    shutil.rmtree(leaving, ignore_errors=True)
    path.rename(leaving)
    return _remove(leaving)


def _remove(path: Path) -> int:
    size = sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
    shutil.rmtree(path)
    return size
