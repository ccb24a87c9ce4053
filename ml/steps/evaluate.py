"""Evaluate the challenger, the champion and the baselines on the same customers in the same window."""

import json
import logging
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.bundles.champion import ChampionBundle, comparable_champion
from ml.evaluation.baselines import BASELINES
from ml.evaluation.calibration import calibrate
from ml.evaluation.candidate_source_metrics import candidate_recall, source_contributions
from ml.evaluation.diversity import trade_off
from ml.evaluation.evaluated_run import (
    CHALLENGER,
    CHAMPION,
    EvaluatedRun,
    chosen_ranker,
    recommend_lists,
    retriever_with,
)
from ml.evaluation.ground_truth import Slates, coverages, evaluate_lists
from ml.evaluation.group_fallback_selection import select_fallbacks
from ml.evaluation.results import DIVERSITY, FALLBACKS, SAMPLE_CUSTOMERS, SOURCE_CONTRIBUTIONS, Results
from ml.evaluation.serving_checks import check_serving
from ml.evaluation.slices import assign_slices, compare_slices
from ml.gate.evidence import EvaluationChecks
from ml.ranking.examples import holdout_lists, load_examples
from ml.report.sample_customers import sample_customers
from ml.retrieval.catalogue_builder import build_catalogue
from ml.runs import artifacts
from ml.runs.run import Run
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY
from scoring.candidates.retriever import Retriever
from scoring.candidates.sources import SOURCES, load_catalogue
from scoring.models.ranker import Ranker
from scoring.models.two_tower import Tower
from scoring.recommender import Recommender
from scoring.vocabulary import Vocabulary
from settings import Settings

logger = logging.getLogger(__name__)


def evaluate(settings: Settings, run: Run) -> dict[str, Any]:
    """Write `evaluation/` (scores per method and customer, checks of the gate), `lists.parquet` and `run.json`.

    Args:
        settings: The settings of the installation.
        run: A run with a trained system.

    Returns:
        The id of the run and the challenger's mean of every metric.
    """
    evaluated = EvaluatedRun.at_snapshot(run)
    spec, system = evaluated.spec, evaluated.system()
    catalogue, window = system.catalogue, evaluated.evaluation_set(system.catalogue)
    ranker, model = chosen_ranker(run)

    shown, candidates = recommend_lists(system.recommender, window.customers)
    logger.info(f"{CHALLENGER} ({ranker}): {len(window.customers):,} customers evaluated")
    methods: dict[str, Slates] = {CHALLENGER: shown}
    champion = comparable_champion(settings, spec)
    rebuilt = None if champion is None else _rebuilt(champion, evaluated)
    if rebuilt is not None:
        methods[CHAMPION], _ = recommend_lists(rebuilt, window.customers)
    block = window.batch(catalogue)
    methods |= {name: rule(block) for name, rule in BASELINES.items()}
    scores = {name: evaluate_lists(window.truth, slates) for name, slates in methods.items()}

    # Calibration and serving are checked on the model's own lists, everything after them on the lists with fallbacks.
    snapshots, towers = load_examples(run, spec), run.path(artifacts.RETRIEVAL)
    calibration = calibrate(snapshots, holdout_lists(snapshots, spec), Ranker(model), window.truth, shown)
    files = [model, *(towers / name for name in (QUERY_TOWER, CANDIDATE_TOWER, VOCABULARY))]
    with tempfile.TemporaryDirectory(dir=run.folder) as folder:
        catalogue.save(Path(folder))
        served = Recommender(retriever_with(run, spec, load_catalogue(Path(folder))), Ranker(model))
        serving = check_serving(served, window.customers, shown, files, rebuilt, _online_features(run))
    shown, fallbacks = select_fallbacks(window.customers, methods, scores, CHALLENGER, spec.seed)
    methods[CHALLENGER], scores[CHALLENGER] = shown, evaluate_lists(window.truth, shown)
    for found in fallbacks:
        logger.info(f"The baseline answers {found.slate} where {found.group} is {found.value}: {found.reason}")
    departments = Vocabulary.load(towers / VOCABULARY).values["department"]
    checks = EvaluationChecks(
        compare_slices(assign_slices(block, departments), scores, CHALLENGER), calibration, serving
    )

    results = Results(
        customer_ids=window.truth.customer_ids,
        scores=scores,
        coverage={name: coverages(slates) for name, slates in methods.items()},
        candidate_recall=candidate_recall(candidates, window.truth),
        ranker=ranker,
        champion=None if champion is None else champion.version,
    )
    with run.publish_folder(artifacts.EVALUATION) as folder:
        results.save(folder)
        results.save_lists(folder / artifacts.LISTS, methods, catalogue.product_ids)
        checks.save(folder)
        (folder / FALLBACKS).write_text(json.dumps([found.model_dump() for found in fallbacks], indent=2))
        people = sample_customers(window.truth, shown, window.customers, catalogue, list(SOURCES))
        (folder / SAMPLE_CUSTOMERS).write_text(json.dumps([asdict(customer) for customer in people]))
        quotas = {
            name: quota for name, quota in spec.config.candidates_per_source.items() if not SOURCES[name].needs_events
        }
        sources = source_contributions(window.truth, shown, candidates, quotas, list(SOURCES))
        (folder / SOURCE_CONTRIBUTIONS).write_text(json.dumps(sources))
        diversity = trade_off(catalogue, window.truth, shown, spec.seed)
        rows = {slate: [asdict(point) for point in points] for slate, points in diversity.items()}
        (folder / DIVERSITY).write_text(json.dumps(rows))
    if silent := [name for name, row in sources.items() if row["candidates"] == 0]:
        logger.info(f"These sources proposed no candidate, so the run continues without them: {', '.join(silent)}")
    run.link(artifacts.LISTS, f"{artifacts.EVALUATION}/{artifacts.LISTS}")
    summary = spec.as_dict() | {"results": results.summary(spec.seed)}
    run.write_json(artifacts.RUN, summary)
    logger.info(results.table(spec.seed))
    return {"run_id": run.run_id, **summary["results"]["methods"][CHALLENGER]["means"]}


def _online_features(run: Run) -> float | None:
    """Return the share that `build-dataset` wrote; None for runs made before it compared the stores."""
    if not (run.folder / artifacts.PARITY).exists():
        return None
    agreement: float | None = run.read_json(artifacts.PARITY)["agreement"]
    return agreement


def _rebuilt(champion: ChampionBundle, evaluated: EvaluatedRun) -> Recommender:
    """Return the deployed version's weights with the catalogue of the evaluated snapshot."""
    spec = evaluated.spec
    path, manifest = champion.path, champion.manifest
    catalogue = build_catalogue(
        as_of=spec.day(spec.split.evaluation),
        products=evaluated.data.products(spec.split.evaluation),
        customers=evaluated.everyone,
        vocabulary=Vocabulary.load(path / VOCABULARY),
        candidate_tower=Tower(path / CANDIDATE_TOWER),
        sources=champion.sources,
        config=champion.catalogue,
        seed=manifest.seed,
    )
    retriever = Retriever(catalogue, Tower(path / QUERY_TOWER), manifest.quotas)
    return Recommender(retriever, Ranker(path / RANKER, manifest.columns), manifest.fallbacks)
