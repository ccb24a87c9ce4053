"""Delete old runs of the customer model, by the policy of `ml/runs/retention.toml`."""

import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from core.clock import naive_utc, utc_now
from core.files.atomic import discard_folder, remove_leftovers
from core.files.bundle import BundleError
from ml.customers.bundle import CustomersBundle
from ml.customers.steps import PLAN, PRODUCT, REPORT
from ml.runs.retention import KeptRun, Retention, choose
from registry.model_store import ModelStore
from settings import Settings

logger = logging.getLogger(__name__)


def prune(settings: Settings, policy: Retention, now: datetime | None = None) -> dict[str, Any]:
    """Delete runs that the policy does not keep; a run whose version is in the model store stays.

    Args:
        settings: The settings of this installation.
        policy: How many runs stay; a run without a report counts as ended after `unfinished_days`.
        now: Naive UTC; the clock's time by default.
    """
    folder = settings.paths.runs_of(PRODUCT)
    remove_leftovers(folder)
    found = []
    for plan in sorted(folder.glob(f"*/{PLAN}")):
        changed = datetime.fromtimestamp(max(file.stat().st_mtime for file in plan.parent.iterdir()), UTC)
        found.append(KeptRun(plan.parent.name, (plan.parent / REPORT).exists(), naive_utc(changed)))
    store = ModelStore(settings.paths.bentoml, PRODUCT)
    needed: set[str] = set()
    for version in store.versions():
        with suppress(BundleError):  # a manifest that this code cannot read names no run
            needed.add(CustomersBundle.open(store.path(version)).manifest.run_id)
    deleted = choose(found, needed, policy, now or utc_now()).folders
    for run_id in deleted:
        discard_folder(folder / run_id)
    logger.info("Deleted %d of %d runs of the customer model.", len(deleted), len(found))
    return {"deleted": deleted, "kept": sorted({run.run_id for run in found} - set(deleted))}
