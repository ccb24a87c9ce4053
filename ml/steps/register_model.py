"""Write a bundle of the version that may serve, and put it into the model store.

A challenger that passed the gate becomes a bundle. If the gate keeps the champion but newer features were published,
the champion's weights get a new catalogue, so the evaluated model serves today's prices, products and promotions.

Until a model passes the gate, the strongest baseline serves, also when there is too little data to train or evaluate. A
baseline replaces a trained version only if that version was trained on another shop's data: a demo's model must not
serve the first shop that follows it.
"""

import hashlib
import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.services import CANDIDATE_SERVICE, LABEL_SERVICE, QUERY_SERVICE
from ml.bundles.champion import ChampionBundle, deployed_champion
from ml.bundles.golden import made_up_customers
from ml.bundles.write import write_bundle
from ml.config import CatalogueConfig, read_sources
from ml.data.dataset import Dataset
from ml.evaluation.baselines import OWN_FREQUENCY
from ml.evaluation.evaluated_run import CHALLENGER, chosen_ranker
from ml.evaluation.results import FALLBACKS, read_part
from ml.ranking.baseline_ranker import CANDIDATES_PER_SOURCE, write_baseline_ranker
from ml.report.write import refresh_report
from ml.retrieval.catalogue_builder import build_catalogue, build_vocabulary
from ml.retrieval.untrained import write_untrained_towers
from ml.runs import artifacts
from ml.runs.not_enough_data import not_enough_data
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from registry.model_store import ModelStore
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY
from scoring.models.two_tower import Tower
from scoring.rank_features import CATEGORICAL, NUMERIC
from scoring.vocabulary import Vocabulary
from settings import Settings

logger = logging.getLogger(__name__)

Parts = tuple[dict[str, Path], dict[str, Any]]
"""A bundle's model files by their path in it, and the fields of its manifest."""


def register_model(settings: Settings, run: Run, dry_run: bool) -> dict[str, Any] | None:
    """Put a version into the model store.

    Args:
        settings: The settings of the installation.
        run: A run with a verdict of the gate.
        dry_run: Register nothing.

    Returns:
        The version, with the reason if it is a baseline; None if nothing is published.
    """
    parts = None if dry_run else _parts(settings, run)
    if parts is None:
        logger.info("Not published, as asked." if dry_run else "Nothing to publish: the champion stays.")
        return None
    files, facts = parts
    store = ModelStore(settings.paths.bentoml)
    if facts["version"] not in store.versions():
        with TemporaryDirectory(dir=run.folder, prefix=".bundle.") as folder:
            _write(Path(folder), files, facts, RunSpec.read(run), dataset(run))
            store.put(Path(folder), facts["version"])
    run.write_json(artifacts.REGISTERED_MODEL, {"version": facts["version"]})
    refresh_report(run)
    return {"version": facts["version"]} | ({"baseline": facts["baseline"]} if facts.get("baseline") else {})


def _parts(settings: Settings, run: Run) -> Parts | None:
    spec, decision, champion = RunSpec.read(run), run.read_json(artifacts.GATE), deployed_champion(settings)
    if decision["publish"]:
        return _challenger(run, spec, decision)
    elsewhere = champion.another_shop(dataset(run).products(spec.split.now).sold) if champion else None
    if champion is None or champion.is_baseline or elsewhere:
        if (
            champion is not None
            and not elsewhere
            and champion.manifest.as_of >= spec.as_of
            and champion.manifest.has_present_features
        ):
            return None
        because = not_enough_data(run) or f"No trained model is shown to be better. {decision['reasons'][0]}"
        because = f"{elsewhere} {because}" if elsewhere else because
        logger.info(f"The baseline is published, {OWN_FREQUENCY} with popular products behind it. {because}")
        return _baseline(run, spec, decision, because)
    if champion.manifest.as_of < spec.as_of and not champion.manifest.has_present_features:
        logger.info(
            f"The champion {champion.version} was made with other features than this code computes, so its catalogue "
            f"cannot move on to {spec.as_of}. Code of revision {champion.manifest.git_revision} can move it."
        )
        return None
    if champion.manifest.as_of < spec.as_of:
        logger.info(f"The champion {champion.version} stays; its catalogue moves on to {spec.as_of}.")
        return _refreshed(champion, spec)
    return None


def _challenger(run: Run, spec: RunSpec, decision: dict[str, Any]) -> Parts:
    ranker, model = chosen_ranker(run)
    files = _towers(run) | {RANKER: model}
    facts = {
        "quotas": spec.config.candidates_per_source,
        "fallbacks": read_part(run.path(artifacts.EVALUATION), FALLBACKS),
        "trained_until": spec.day(spec.split.evaluation),
        "ranker": ranker,
        "metrics": _means(run, CHALLENGER),
    }
    return files, _facts(run, spec, decision, files) | facts


def _baseline(run: Run, spec: RunSpec, decision: dict[str, Any], because: str) -> Parts:
    path = run.folder / "rule.onnx"
    write_baseline_ranker(path)
    is_evaluated = not_enough_data(run) is None
    files = (_towers(run) if is_evaluated else _untrained_towers(run, spec)) | {RANKER: path}
    facts = {
        "quotas": CANDIDATES_PER_SOURCE,
        "baseline": because,
        "trained_until": date.min,  # it was not trained, so it is a fair opponent in any window
        "ranker": OWN_FREQUENCY,
        "metrics": _means(run, OWN_FREQUENCY) if is_evaluated else {},
    }
    return files, _facts(run, spec, decision, files) | facts


def _refreshed(champion: ChampionBundle, spec: RunSpec) -> Parts:
    files = {name: champion.path / name for name in (QUERY_TOWER, CANDIDATE_TOWER, RANKER, VOCABULARY)}
    kept = champion.manifest.model_dump(exclude={"created_at", "git_revision", "files"})
    version = f"{champion.version.split('_')[0]}_{spec.as_of}"
    return files, kept | {"version": version, "as_of": spec.as_of, "features": spec.features}


def _towers(run: Run) -> dict[str, Path]:
    folder = run.path(artifacts.RETRIEVAL)
    return {name: folder / name for name in (QUERY_TOWER, CANDIDATE_TOWER, VOCABULARY)}


def _untrained_towers(run: Run, spec: RunSpec) -> dict[str, Path]:
    """Write towers in which only products of a shared type, category, … are similar."""
    vocabulary = build_vocabulary(dataset(run).products(spec.split.now))
    with run.publish_folder(artifacts.UNTRAINED) as folder:
        for name in (QUERY_TOWER, VOCABULARY):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        vocabulary.save(folder / VOCABULARY)
        write_untrained_towers(vocabulary, folder / QUERY_TOWER, folder / CANDIDATE_TOWER, spec.seed)
    return {name: run.path(artifacts.UNTRAINED) / name for name in (QUERY_TOWER, CANDIDATE_TOWER, VOCABULARY)}


def _means(run: Run, method: str) -> dict[str, float]:
    means: dict[str, float] = run.read_json(artifacts.RUN)["results"]["methods"][method]["means"]
    return means


def _facts(run: Run, spec: RunSpec, decision: dict[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    # A run that is published again gets the same version, unless its weights changed.
    weights = hashlib.sha256(b"".join(path.read_bytes() for _, path in sorted(files.items()))).hexdigest()
    return {
        "version": f"{run.run_id}-{weights[:8]}".lower(),
        "as_of": spec.as_of,
        "run_id": run.run_id,
        "features": spec.features,
        "feature_services": [QUERY_SERVICE, CANDIDATE_SERVICE, LABEL_SERVICE],
        "numeric": list(NUMERIC),
        "categorical": list(CATEGORICAL),
        "sources": {name: settings.model_dump() for name, settings in spec.config.sources.items()},
        "catalogue": spec.config.catalogue.model_dump(),
        "seed": spec.seed,
        "gate": {name: decision[name] for name in ("publish", "reasons", "opponent")},
    }


def _write(folder: Path, files: Mapping[str, Path], facts: dict[str, Any], spec: RunSpec, data: Dataset) -> None:
    catalogue = build_catalogue(
        as_of=spec.as_of,
        products=data.products(spec.split.now),
        customers=data.customers(spec.split.now)[1],
        vocabulary=Vocabulary.load(files[VOCABULARY]),
        candidate_tower=Tower(files[CANDIDATE_TOWER]),
        sources=read_sources(facts["sources"]),
        config=CatalogueConfig.model_validate(facts["catalogue"]),
        seed=facts["seed"],
    )
    write_bundle(folder, dict(files), catalogue, facts, made_up_customers(catalogue, spec.split.now, spec.seed))
