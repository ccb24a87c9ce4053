"""Judge the challenger, the champion and the simple rules on the same customers in the same window."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml.bundles.champion import ChampionBundle, comparable_champion
from ml.data.dataset import Dataset
from ml.errors import NotEnoughDataError
from ml.evaluation.baselines import BASELINES
from ml.evaluation.calibration import calibrate
from ml.evaluation.diversity import trade_off
from ml.evaluation.ground_truth import Lists, Slates, Truth, coverages, judge
from ml.evaluation.group_fallback_selection import select_fallbacks
from ml.evaluation.metrics import DEPTH, mean
from ml.evaluation.results import Results
from ml.evaluation.serving_checks import check_serving
from ml.evaluation.slices import assign, compare
from ml.evaluation.source_contributions import brought
from ml.gate.evidence import Checks
from ml.report.sample_customers import examples
from ml.retrieval.catalogue_builder import build_catalogue
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from ml.steps.generate_candidates import catalogue_at, load_examples, retriever_with
from ml.steps.select_ranker import chosen_ranker, holdout_lists
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY
from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import Candidates
from scoring.candidates.retriever import Retriever
from scoring.candidates.sources import SOURCES
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES, Ranker, Slate
from scoring.models.two_tower import Tower
from scoring.recommender import RankedList, Recommender
from scoring.vocabulary import Vocabulary
from settings import Settings

CHALLENGER = "reach"
CHAMPION = "champion"
EXAMPLES = "examples.json"
BROUGHT = "brought.json"
FALLBACKS = "fallbacks.json"
DIVERSITY = "diversity.json"


@dataclass(frozen=True)
class Window:
    """The judged customers at the judged snapshot, and what they bought after it."""

    customers: list[Customer]
    truth: Truth

    @classmethod
    def of(
        cls, ids: Sequence[str], customers: Sequence[Customer], labels: Mapping[str, np.ndarray], catalogue: Catalogue
    ) -> "Window":
        """Of all customers with a purchase before the cut, those with one in the window."""
        rows = [row for row, customer_id in enumerate(ids) if customer_id in labels]
        if not rows:
            raise NotEnoughDataError(
                f"Nobody bought both before and after {catalogue.as_of}: there is no one to judge on."
            )
        index = catalogue.index
        bought = [[index.get(product_id, -1) for product_id in labels[ids[row]]] for row in rows]
        own = [[index.get(product_id, -1) for product_id in customers[row].product_ids] for row in rows]
        truth = Truth(
            customer_ids=[ids[row] for row in rows],
            bought=[np.array([i for i in items if i >= 0], dtype=np.int64) for items in bought],
            own=[np.array([i for i in items if i >= 0], dtype=np.int64) for items in own],
            missing=np.array([sum(i < 0 for i in items) for items in bought]),
        )
        return cls([customers[row] for row in rows], truth)


def evaluate(settings: Settings, run: Run) -> dict[str, Any]:
    """Leave `evaluation/` (every method's scores a customer, the gate's checks), `lists.parquet` and `run.json`."""
    spec, data = RunSpec.read(run), dataset(run)
    ids, everyone = data.customers(spec.split.evaluation)
    catalogue = catalogue_at(run, spec, data, spec.split.evaluation, everyone)
    window = Window.of(ids, everyone, data.labels(spec.split.evaluation), catalogue)
    ranker, model = chosen_ranker(run)
    recommender = Recommender(retriever_with(run, spec, catalogue), Ranker(model))

    shown, candidates = recommended(recommender, window.customers)
    print(f"{CHALLENGER} ({ranker}): {len(window.customers):,} customers judged", flush=True)
    methods: dict[str, Slates] = {CHALLENGER: shown}
    champion = comparable_champion(settings, spec)
    rebuilt = None if champion is None else _rebuilt(champion, spec, data, everyone)
    if rebuilt is not None:
        methods[CHAMPION], _ = recommended(rebuilt, window.customers)
    block = CustomerBatch.of(window.customers, catalogue, np.zeros((len(window.customers), 0), np.float32))
    methods |= {name: rule(block) for name, rule in BASELINES.items()}
    scores = {name: judge(window.truth, slates) for name, slates in methods.items()}

    # Calibration and serving are checked on the model's own lists, all that follows on what customers will get.
    snapshots, towers = load_examples(run, spec), run.path(artifacts.RETRIEVAL)
    calibration = calibrate(snapshots, holdout_lists(snapshots, spec), Ranker(model), window.truth, shown)
    files = [model, *(towers / name for name in (QUERY_TOWER, CANDIDATE_TOWER, VOCABULARY))]
    with tempfile.TemporaryDirectory(dir=run.folder) as folder:
        catalogue.save(Path(folder))
        served = Recommender(retriever_with(run, spec, Catalogue.load(Path(folder))), Ranker(model))
        serving = check_serving(served, window.customers, shown, files, rebuilt, _online_features(run))
    shown, fallbacks = select_fallbacks(window.customers, methods, scores, CHALLENGER, spec.seed)
    methods[CHALLENGER], scores[CHALLENGER] = shown, judge(window.truth, shown)
    for found in fallbacks:
        print(f"{found.slate} is left to the rule where {found.group} is {found.value}: {found.reason}", flush=True)
    departments = Vocabulary.load(towers / VOCABULARY).values["department"]
    checks = Checks(compare(assign(block, departments), scores, CHALLENGER), calibration, serving)

    results = Results(
        customer_ids=window.truth.customer_ids,
        scores=scores,
        coverage={name: coverages(slates) for name, slates in methods.items()},
        union=union_recall(candidates, window.truth),
        ranker=ranker,
        champion=None if champion is None else champion.version,
    )
    with run.publish_folder(artifacts.EVALUATION) as folder:
        results.save(folder)
        results.save_lists(folder / artifacts.LISTS, methods, catalogue.product_ids)
        checks.save(folder)
        (folder / FALLBACKS).write_text(json.dumps([found.model_dump() for found in fallbacks], indent=2))
        people = examples(window.truth, shown, window.customers, catalogue, list(SOURCES))
        (folder / EXAMPLES).write_text(json.dumps(people))
        sources = brought(window.truth, shown, candidates, spec.config.candidates_per_source, list(SOURCES))
        (folder / BROUGHT).write_text(json.dumps(sources))
        (folder / DIVERSITY).write_text(json.dumps(trade_off(catalogue, window.truth, shown, spec.seed)))
    if silent := [name for name, row in sources.items() if row["candidates"] == 0]:
        print(f"Put forward nothing, and the run goes on without: {', '.join(silent)}", flush=True)
    run.link(artifacts.LISTS, f"{artifacts.EVALUATION}/{artifacts.LISTS}")
    summary = spec.as_dict() | {"results": results.summary(spec.seed)}
    run.write_json(artifacts.RUN, summary)
    print(results.table(spec.seed), flush=True)
    return {"run_id": run.run_id, **summary["results"]["methods"][CHALLENGER]["means"]}


def _online_features(run: Run) -> float | None:
    """What `build-dataset` found; runs made before it looked know nothing."""
    if not (run.folder / artifacts.PARITY).exists():
        return None
    agreement: float | None = run.read_json(artifacts.PARITY)["agreement"]
    return agreement


def recommended(recommender: Recommender, customers: Sequence[Customer]) -> tuple[Slates, list[Candidates]]:
    """Lists for both slates, DEPTH deep, by the same code that serves; and each customer's candidates."""
    ranked: dict[Slate, list[RankedList]] = {slate: [] for slate in SLATES}
    candidates: list[Candidates] = []
    for block, found, scores in recommender.score(customers):
        candidates += found
        for row in range(len(scores)):
            for slate in SLATES:
                ranked[slate].append(recommender.build_slate(block, row, found[row], scores[row], slate, DEPTH))
    slates: Slates = {
        slate: Lists.of([r.positions for r in lists], [r.scores for r in lists], [r.sources for r in lists])
        for slate, lists in ranked.items()
    }
    return slates, candidates


def union_recall(candidates: Sequence[Candidates], truth: Truth) -> dict[str, float]:
    """Recall of the candidates before ranking, for `all` and `explore`, and their mean number (`size`)."""
    recalls = {"size": float(np.mean([len(found.positions) for found in candidates]))}
    for part in ("all", "explore"):
        relevant = truth.relevant(part)
        totals = np.array([len(items) for items in relevant]) + truth.missing
        found = np.array([np.isin(a, b.positions).sum() for a, b in zip(relevant, candidates, strict=True)])
        recalls[part] = mean(np.where(totals > 0, found / np.maximum(totals, 1), np.nan))
    return recalls


def _rebuilt(champion: ChampionBundle, spec: RunSpec, data: Dataset, customers: list[Customer]) -> Recommender:
    """The deployed version's weights in front of the catalogue of the judged snapshot."""
    path, manifest = champion.path, champion.manifest
    catalogue = build_catalogue(
        as_of=spec.day(spec.split.evaluation),
        products=data.products(spec.split.evaluation),
        customers=customers,
        vocabulary=Vocabulary.load(path / VOCABULARY),
        candidate_tower=Tower(path / CANDIDATE_TOWER),
        config=champion.collaborative,
        seed=manifest.seed,
    )
    retriever = Retriever(catalogue, Tower(path / QUERY_TOWER), manifest.quotas)
    return Recommender(retriever, Ranker(path / RANKER), manifest.fallbacks)
