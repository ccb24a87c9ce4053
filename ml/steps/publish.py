"""Make a bundle of what the gate let through, and put it into the model store.

If the gate keeps the champion but newer features were published, the champion's own weights get a catalogue as of
now: what was judged goes on serving, on today's prices, products and promotions.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ml.bundle import GOLDEN_CUSTOMERS, write_bundle
from ml.catalogue import build_catalogue
from ml.champion import deployed
from ml.config import ItemToItem
from ml.data.dataset import Dataset
from ml.runs import Run
from ml.steps import places
from ml.steps.evaluate import CHALLENGER
from ml.steps.plan import Plan, dataset
from ml.steps.prepare import SERVICES
from release.store import ModelStore
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY
from scoring.features import CATEGORICAL, NUMERIC
from scoring.towers import Tower
from scoring.vocabulary import Vocabulary
from settings import Settings


def publish(settings: Settings, run: Run, dry_run: bool) -> dict[str, Any] | None:
    """Put a version into the model store and return it; None if there is nothing to publish."""
    plan, decision = Plan.read(run), run.read_json(places.GATE)
    champion = deployed(settings)
    if decision["publish"] and not dry_run:
        version, files, facts = _challenger(run, plan, decision)
    elif champion is not None and not decision["publish"] and champion.manifest.as_of < plan.as_of:
        version = f"{champion.version.split('_')[0]}_{plan.as_of}"
        files = {name: champion.path / name for name in (QUERY_TOWER, CANDIDATE_TOWER, RANKER, VOCABULARY)}
        kept = champion.manifest.model_dump(exclude={"created_at", "git_revision", "files"})
        facts = kept | {"version": version, "as_of": plan.as_of, "features": plan.features}
        print(f"The champion {champion.version} stays; its catalogue moves on to {plan.as_of}.", flush=True)
    else:
        print(
            "Nothing to publish: the champion stays." if not dry_run else "Not published, as asked.",
            flush=True,
        )
        return None

    store = ModelStore(settings.paths.bentoml)
    if version not in store.versions():
        run.folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=run.folder, prefix=".bundle.") as folder:
            _write(Path(folder), files, facts, plan, dataset(run))
            store.put(Path(folder), version)
    run.write_json(places.PUBLISHED, {"version": version})
    return {"version": version}


def _challenger(run: Run, plan: Plan, decision: dict[str, Any]) -> tuple[str, dict[str, Path], dict[str, Any]]:
    ranker, retrieval = plan.config.ranking.rankers[0], run.path(places.RETRIEVAL)
    files = {name: retrieval / name for name in (QUERY_TOWER, CANDIDATE_TOWER, VOCABULARY)}
    files[RANKER] = run.path(places.ranker(ranker)) / RANKER
    summary = run.read_json(places.RUN)["results"]
    # The same run published again is the same version; a changed one cannot pass for it.
    weights = hashlib.sha256(b"".join(path.read_bytes() for _, path in sorted(files.items()))).hexdigest()
    version = f"{run.run_id}-{weights[:8]}".lower()
    facts = {
        "version": version,
        "as_of": plan.as_of,
        "run_id": run.run_id,
        "features": plan.features,
        "feature_services": SERVICES,
        "numeric": list(NUMERIC),
        "categorical": list(CATEGORICAL),
        "quotas": plan.config.quotas,
        "item_to_item": plan.config.item_to_item.model_dump(),
        "trained_until": plan.day(plan.split.judged),
        "ranker": ranker,
        "seed": plan.seed,
        "metrics": summary["methods"][CHALLENGER]["means"],
        "gate": {name: decision[name] for name in ("publish", "reasons", "opponent")},
    }
    return version, files, facts


def _write(folder: Path, files: Mapping[str, Path], facts: dict[str, Any], plan: Plan, data: Dataset) -> None:
    customers = data.customers(plan.split.now)[1]
    catalogue = build_catalogue(
        as_of=plan.as_of,
        products=data.products(plan.split.now),
        customers=customers,
        vocabulary=Vocabulary.load(files[VOCABULARY]),
        candidate_tower=Tower(files[CANDIDATE_TOWER]),
        config=ItemToItem.model_validate(facts["item_to_item"]),
        seed=facts["seed"],
    )
    examples = [customer.to_features() for customer in customers[:: max(1, len(customers) // GOLDEN_CUSTOMERS)]]
    write_bundle(folder, dict(files), catalogue, facts, examples[:GOLDEN_CUSTOMERS])
