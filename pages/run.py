"""The page of one retraining: `<data>/runs/<run_id>/index.html`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.paths import Paths
from pages.checks import checks_entry, newest_feedback
from pages.entry import Entry, file_entry
from pages.errors import NothingToShowError
from pages.html import write_page
from registry.errors import RegistryError
from registry.release_log import Change, ReleaseLog

NAME = "index.html"


def write_run_page(paths: Paths, run_id: str) -> Path:
    """Write the run's page and return it. Raises NothingToShowError if there is no such run."""
    folder = paths.runs / run_id
    plan = _read(folder / "run_spec.json")
    if Path(run_id).name != run_id or plan is None:
        raise NothingToShowError(
            f"There is no run '{run_id}' with a run_spec.json in {paths.runs}. Run "
            f"`.venv/bin/python -m ml build-dataset` first, or choose one of: {_runs(paths.runs)}."
        )
    entries = list(_entries(paths, folder, str(plan["as_of"])))
    lead = f"Retraining as of {plan['as_of']}. Reason: {plan.get('reason') or 'not given'}."
    return write_page(folder / NAME, f"Run {run_id}", lead, entries)


def _entries(paths: Paths, run: Path, day: str) -> Iterator[Entry]:
    gate = _read(run / "gate.json")
    yield file_entry(
        "Model report",
        run / "report.html",
        "scores, lists and the verdict with its evidence",
        "`gate` writes it at its end and has not ended well: look at the log of the run's last task.",
    )
    yield _verdict(gate, _read(run / "not_enough_data.json"))
    yield _release(paths, run, gate)
    before = f"No check of {day} is kept. Run `.venv/bin/python -m quality {{0}} --as-of {day}` to make one."
    yield checks_entry(paths.quality, day, "landing", before.format("landing"))
    yield checks_entry(paths.quality, day, "features", before.format("features"))
    yield checks_entry(paths.quality, run.name, "training", "The training set has not been checked yet.")
    yield checks_entry(paths.quality, newest_feedback(paths.quality), "feedback", "No feedback has been checked yet.")
    yield file_entry(
        "Build of the features", paths.quality / day / NAME, f"as of {day}", f"No page was written for {day}."
    )
    yield dbt_entry(paths)
    yield _tensorboard(run)


def dbt_entry(paths: Paths) -> Entry:
    """Return the row of dbt's documentation, which is always that of the newest build."""
    return file_entry(
        "dbt docs",
        paths.dbt_target / "docs" / "static_index.html",
        "tables, columns and lineage, as of the newest build",
        "`dbt docs generate` has not run in this data directory; the task `dbt_docs` of build_features runs it.",
    )


def _verdict(gate: dict[str, Any] | None, too_little: dict[str, Any] | None) -> Entry:
    if gate is None:
        why = f"Nothing was trained: {too_little.get('because')}" if too_little else "`gate` has not ended."
        return Entry("Verdict", missing=f"{why} Nothing is decided, so the champion stays.")
    text = "publish the challenger" if gate["publish"] else "keep the champion"
    return Entry("Verdict", text=text, lines=tuple(gate["reasons"]))


def _release(paths: Paths, run: Path, gate: dict[str, Any] | None) -> Entry:
    """Return what the release log contains about the version that the run published."""
    title, published, log = "Release", _read(run / "registered_model.json"), ReleaseLog.of_product(paths.release)
    if published is None:
        kept = gate is not None and not gate["publish"]
        reason = "The gate kept the champion." if kept else "`register_model` has not run, or was asked not to publish."
        return Entry(title, missing=f"The run published no version. {reason}")
    version = str(published["version"])
    try:
        changes = [change for change in log.read() if change.version == version]
    except RegistryError as error:
        return Entry(title, missing=f"The release log cannot be read: {error}")
    if not changes:
        return Entry(title, missing=f"Version {version} is in the model store; it was never deployed.")
    return Entry(title, log.path, f"version {version}", tuple(_sentence(change) for change in changes))


def _sentence(change: Change) -> str:
    return f"{change.changed_at:%Y-%m-%d %H:%M} UTC: {change.change} by {change.by}: {change.reason}"


def _tensorboard(run: Path) -> Entry:
    logs = sorted(str(log.parent.relative_to(run)) for log in run.glob("**/tensorboard"))
    if not logs:
        return Entry("TensorBoard log", missing="No training has ended in this run, or its log was pruned.")
    command = f"To see the curves: make tensorboard RUN={run.name}"
    return Entry("TensorBoard log", run, ", ".join(logs), (command,))


def _read(path: Path) -> dict[str, Any] | None:
    """Return the file's object; None if there is none that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _runs(runs: Path) -> str:
    return ", ".join(sorted(plan.parent.name for plan in runs.glob("*/run_spec.json"))[-5:]) or "none yet"
