"""The steps of a customer-model run: each reads what earlier steps left in the run's folder."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.files.atomic import staged_folder
from core.files.bundle import BundleError
from features.publication import current_publication
from marketing.policy import load_policy
from ml.bundles.write import git_revision
from ml.customers.bundle import CustomersBundle, PartEntry, write_bundle
from ml.customers.fitting import fit_parts
from ml.customers.inputs import Inputs
from ml.customers.part import VERDICT, Decision, Verdict
from ml.customers.parts import PARTS
from ml.customers.report import render
from ml.errors import RunError
from ml.runs.run import Run
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from settings import Settings

logger = logging.getLogger(__name__)

PRODUCT = "customers"
PLAN, PARTS_FOLDER, REGISTERED, REPORT = "plan.json", "parts", "registered.json", "report.html"
SCORED = "scored.json"
"""The parts in a folder of scores, each with its verdict."""

CARRIED_OVER = timedelta(weeks=13)
"""How long a part of the champion stays when newer runs cannot decide or refuse: a certificate expires after it."""


def run_of(settings: Settings, run_id: str) -> Run:
    """Return the run of this name."""
    return Run(settings.paths.runs_of(PRODUCT), run_id)


def fit(settings: Settings, run: Run, as_of: date) -> dict[str, Any]:
    """Fit and evaluate every part, and write the report. A run that was killed continues with the part it was at.

    Raises:
        RunError: the published features are those of another day, or the process of a part was killed.
    """
    publication = current_publication(settings.paths.features)
    if publication.as_of != as_of:
        raise RunError(
            f"The published features are as of {publication.as_of}, not {as_of}. Run build_features for {as_of} first."
        )
    plan = {"run_id": run.run_id, "as_of": str(as_of), "publication": publication.name, "seed": settings.seed}
    if (run.folder / PLAN).exists() and run.read_json(PLAN) != plan:
        raise RunError(
            f"Run '{run.run_id}' was begun with {run.read_json(PLAN)}, and now {plan} is asked for. Use another run id."
        )
    run.write_json(PLAN, plan)
    inputs = _inputs(settings, publication.name, as_of)
    verdicts = fit_parts(PARTS, inputs, run.folder / PARTS_FOLDER)
    run.write_text(REPORT, render(run.run_id, as_of, verdicts))
    return {
        "run_id": run.run_id,
        "decisions": {name: str(verdict.decision) for name, verdict in verdicts.items()},
        "report": str(run.folder / REPORT),
    }


def register_model(settings: Settings, run: Run) -> dict[str, Any] | None:
    """Put the parts that may be published into the model store, and return the version; None if there are none.

    A part without a decision, or a refused one, is carried over from the champion while it is not older than
    CARRIED_OVER.
    """
    plan, verdicts = run.read_json(PLAN), read_verdicts(run)
    as_of = date.fromisoformat(plan["as_of"])
    champion = deployed_bundle(settings)
    folders: dict[str, Path] = {}
    entries: dict[str, PartEntry] = {}
    for name, verdict in verdicts.items():
        if verdict.publishes:
            folders[name] = run.folder / PARTS_FOLDER / name
            entries[name] = PartEntry(as_of=as_of, run_id=run.run_id)
        elif champion is not None and (entry := champion.manifest.parts.get(name)) is not None:
            if as_of - entry.as_of <= CARRIED_OVER:
                logger.info("%s: the champion's, of %s, is carried over. %s", name, entry.as_of, verdict.reasons[0])
                folders[name], entries[name] = champion.path / name, entry
            else:
                logger.warning("%s: the champion's, of %s, has expired. %s", name, entry.as_of, verdict.reasons[0])
        else:
            logger.info("%s: nothing to publish. %s", name, verdict.reasons[0])
    if all(entry.run_id != run.run_id for entry in entries.values()):
        logger.info("Nothing to register: no part of this run may be published.")
        return None
    models = [name for name, verdict in verdicts.items() if verdict.decision is Decision.MODEL]
    fields = {
        "as_of": as_of,
        "run_id": run.run_id,
        "git_revision": git_revision(),
        "publication": plan["publication"],
        "baseline": "" if models else "simple rules, because no part's model is shown to be better",
        "seed": plan["seed"],
        "parts": entries,
        "metrics": {name: m.value for verdict in verdicts.values() for name, m in verdict.measures.items()},
        "gate": {name: {"decision": v.decision, "reasons": list(v.reasons)} for name, v in verdicts.items()},
    }
    version = f"{run.run_id}-{_content(folders)[:8]}".lower()
    store = ModelStore(settings.paths.bentoml, PRODUCT)
    if version not in store.versions():
        with TemporaryDirectory(dir=run.folder, prefix=".bundle.") as folder:
            inputs = _inputs(settings, plan["publication"], as_of)
            write_bundle(Path(folder), folders, inputs, fields | {"version": version})
            store.put(Path(folder), version)
    run.write_json(REGISTERED, {"version": version})
    return {"version": version, "parts": sorted(entries)}


def score(settings: Settings) -> dict[str, Any] | None:
    """Write the champion's scores of all customers into the staging folder; return None if no version is deployed."""
    bundle = deployed_bundle(settings)
    if bundle is None:
        logger.info(
            "Nothing to score: no version is deployed. Run first: '.venv/bin/python -m registry deploy --product %s …'",
            PRODUCT,
        )
        return None
    publication = current_publication(settings.paths.features)
    inputs = _inputs(settings, publication.name, publication.as_of)
    target = settings.paths.staged_customers
    target.parent.mkdir(parents=True, exist_ok=True)
    with staged_folder(target) as staged:
        for part in bundle.parts():
            began = time.monotonic()
            part.score(inputs, bundle.path / part.name, staged)
            logger.info("%s: scored in %.1f s", part.name, time.monotonic() - began)
        record = {
            "as_of": str(publication.as_of),
            "snapshot": inputs.now.isoformat(),
            "version": bundle.version,
            "features": publication.name,
            "parts": {
                part.name: json.loads(bundle.verdict(part.name).to_json())
                | {"fitted_as_of": str(bundle.manifest.parts[part.name].as_of)}
                for part in bundle.parts()
            },
        }
        (staged / SCORED).write_text(json.dumps(record, indent=2) + "\n")
    return {"version": bundle.version, "as_of": str(publication.as_of), "folder": str(target)}


def deployed_bundle(settings: Settings) -> CustomersBundle | None:
    """Return the bundle of the champion; None before the first deployment, or if this code cannot read it."""
    champion = Registry(settings.paths.release, PRODUCT).champion()
    if champion is None:
        return None
    try:
        return CustomersBundle.open(ModelStore(settings.paths.bentoml, PRODUCT).path(champion.version))
    except BundleError as error:
        logger.warning("The champion is not read: %s", error)
        return None


def read_verdicts(run: Run) -> dict[str, Verdict]:
    """Return the verdicts of a run, by the part's name."""
    return {
        part.name: Verdict.from_json((run.path(PARTS_FOLDER, made_by="fit") / part.name / VERDICT).read_text())
        for part in PARTS
    }


def _inputs(settings: Settings, publication: str, as_of: date) -> Inputs:
    folder = settings.paths.features.parent / publication
    policy = load_policy(settings.marketing_policy, is_demo=settings.landing is None)
    instants, memory = settings.snapshot_instants(as_of), settings.duckdb_memory("20%")
    return Inputs(folder, instants, settings.seed, memory, purposes=policy.allowed)


def _content(folders: Mapping[str, Path]) -> str:
    """Return a hash of the parts' files: another model cannot take a version's name."""
    found = hashlib.sha256()
    for name, folder in sorted(folders.items()):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                found.update(f"{name}/{file.relative_to(folder)}".encode() + b"\0" + file.read_bytes())
    return found.hexdigest()
