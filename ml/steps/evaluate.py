"""Judge the challenger, the champion and the simple rules on the same customers in the same window."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.catalogue import build_catalogue
from ml.champion import Champion, find_champion
from ml.data.dataset import Dataset
from ml.errors import NotEnoughData
from ml.evaluation.baselines import BASELINES
from ml.evaluation.examples import examples, source_shares
from ml.evaluation.judge import Lists, Slates, Truth, coverages, judge
from ml.evaluation.metrics import DEPTH
from ml.evaluation.results import Results
from ml.runs import Run
from ml.steps import places
from ml.steps.candidates import catalogue_at, retriever_with
from ml.steps.plan import Plan, dataset
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY
from scoring.customer import Customer
from scoring.ranker import SLATES, Ranker, Slate
from scoring.recommender import Ranked, Recommender
from scoring.retriever import Retriever
from scoring.sources import SOURCES, Block
from scoring.towers import Tower
from scoring.vocabulary import Vocabulary
from settings import Settings

CHALLENGER = "reach"
CHAMPION = "champion"
EXAMPLES = "examples.json"
SOURCE_SHARES = "source_shares.json"


@dataclass(frozen=True)
class Window:
    """The judged customers at the judged snapshot, and what they bought after it."""

    customers: list[Customer]
    truth: Truth

    @classmethod
    def of(cls, data: Dataset, plan: Plan, index: dict[str, int]) -> "Window":
        """Customers with a purchase before the cut and one in the window, in the order of `index`'s catalogue."""
        ids, customers = data.customers(plan.split.judged)
        labels = data.labels(plan.split.judged)
        rows = [row for row, customer_id in enumerate(ids) if customer_id in labels]
        if not rows:
            raise NotEnoughData(
                f"No customer bought both before and after {plan.split.judged:%Y-%m-%d}: nobody to judge on."
            )
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
    """Leave `evaluation/` (every method's scores a customer), `lists.parquet` and `run.json`."""
    plan, data = Plan.read(run), dataset(run)
    everyone = data.customers(plan.split.judged)[1]
    catalogue = catalogue_at(run, plan, data, plan.split.judged, everyone)
    window = Window.of(data, plan, catalogue.index)
    ranker = plan.config.ranking.rankers[0]
    retriever = retriever_with(run, plan, catalogue)
    recommender = Recommender(retriever, Ranker(run.path(places.ranker(ranker)) / RANKER))

    methods: dict[str, Slates] = {CHALLENGER: recommended(recommender, window.customers)}
    print(f"{CHALLENGER} ({ranker}): {len(window.customers):,} customers judged", flush=True)
    champion = find_champion(settings, plan)
    if champion is not None:
        methods[CHAMPION] = recommended(_rebuilt(champion, plan, data, everyone), window.customers)
    block = Block.of(window.customers, catalogue, np.zeros((len(window.customers), 0), np.float32))
    methods |= {name: rule(block) for name, rule in BASELINES.items()}

    results = Results(
        customer_ids=window.truth.customer_ids,
        scores={name: judge(window.truth, slates) for name, slates in methods.items()},
        coverage={name: coverages(slates) for name, slates in methods.items()},
        union=union_recall(retriever, window),
        ranker=ranker,
        champion=None if champion is None else champion.version,
    )
    shown = methods[CHALLENGER]
    with run.stage(places.EVALUATION) as folder:
        results.save(folder)
        results.save_lists(folder / places.LISTS, methods, catalogue.product_ids)
        (folder / EXAMPLES).write_text(json.dumps(examples(window.truth, shown, catalogue)))
        (folder / SOURCE_SHARES).write_text(json.dumps(source_shares(window.truth, shown, list(SOURCES))))
    run.link(places.LISTS, f"{places.EVALUATION}/{places.LISTS}")
    summary = plan.as_dict() | {"results": results.summary(plan.seed)}
    run.write_json(places.RUN, summary)
    print(results.table(plan.seed), flush=True)
    return {"run_id": run.run_id, **summary["results"]["methods"][CHALLENGER]["means"]}


def recommended(recommender: Recommender, customers: Sequence[Customer]) -> Slates:
    """Lists for both slates, DEPTH deep, by the same code that serves."""
    ranked: dict[Slate, list[Ranked]] = {slate: [] for slate in SLATES}
    for block, candidates, scores in recommender.score(customers):
        for row in range(len(scores)):
            for slate in SLATES:
                ranked[slate].append(recommender.slate(block, row, candidates[row], scores[row], slate, DEPTH))
    return {
        slate: Lists.of([r.positions for r in lists], [r.scores for r in lists], [r.sources for r in lists])
        for slate, lists in ranked.items()
    }


def union_recall(retriever: Retriever, window: Window) -> dict[str, float]:
    """Recall of the candidates before ranking, for `all` and `explore`, and their mean number."""
    truth = window.truth
    found: dict[str, list[float]] = {"all": [], "explore": []}
    sizes, row = [], 0
    relevant = {part: truth.relevant(part) for part in found}
    for _, candidates in retriever.candidates(window.customers):
        for item in candidates:
            sizes.append(len(item.positions))
            for part, values in found.items():
                total = len(relevant[part][row]) + truth.missing[row]
                if total:
                    values.append(np.isin(relevant[part][row], item.positions).sum() / total)
            row += 1
    return {part: float(np.mean(values)) for part, values in found.items()} | {"size": float(np.mean(sizes))}


def _rebuilt(champion: Champion, plan: Plan, data: Dataset, customers: list[Customer]) -> Recommender:
    """The deployed version's weights in front of the catalogue of the judged snapshot."""
    path, manifest = champion.path, champion.manifest
    catalogue = build_catalogue(
        as_of=plan.day(plan.split.judged),
        products=data.products(plan.split.judged),
        customers=customers,
        vocabulary=Vocabulary.load(path / VOCABULARY),
        candidate_tower=Tower(path / CANDIDATE_TOWER),
        config=champion.item_to_item,
        seed=manifest.seed,
    )
    return Recommender(Retriever(catalogue, Tower(path / QUERY_TOWER), manifest.quotas), Ranker(path / RANKER))
