"""Candidates and their features at the rankers' snapshots, labelled by the weeks after."""

from datetime import datetime
from typing import Any

from ml.catalogue import build_catalogue
from ml.data.dataset import Dataset
from ml.ranking.examples import RankingExamples, build
from ml.runs import Run
from ml.steps.places import CANDIDATES, RETRIEVAL
from ml.steps.plan import Plan, dataset
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, VOCABULARY
from scoring.catalogue import Catalogue
from scoring.customer import Customer
from scoring.retriever import Retriever
from scoring.towers import Tower
from scoring.vocabulary import Vocabulary


def candidates(run: Run) -> dict[str, Any]:
    """Leave `candidates/<n>/`, one folder a ranker snapshot, newest first."""
    plan, data = Plan.read(run), dataset(run)
    rows, bought = 0, 0
    with run.stage(CANDIDATES) as folder:
        for number, cut in enumerate(plan.split.ranker):
            ids, customers = data.customers(cut)
            retriever = retriever_with(run, plan, catalogue_at(run, plan, data, cut, customers))
            examples = build(retriever, ids, customers, data.labels(cut))
            examples.save(folder / str(number))
            rows, bought = rows + len(examples.bought), bought + int(examples.bought.sum())
            print(
                f"snapshot {cut:%Y-%m-%d}: {len(examples.ends):,} customers, {len(examples.bought):,} candidates, "
                f"{examples.bought.mean():.1%} bought",
                flush=True,
            )
    return {"rows": rows, "bought": bought}


def catalogue_at(run: Run, plan: Plan, data: Dataset, cut: datetime, customers: list[Customer]) -> Catalogue:
    """The catalogue with this run's candidate tower at one of the run's snapshots."""
    folder = run.path(RETRIEVAL)
    return build_catalogue(
        as_of=plan.day(cut),
        products=data.products(cut),
        customers=customers,
        vocabulary=Vocabulary.load(folder / VOCABULARY),
        candidate_tower=Tower(folder / CANDIDATE_TOWER),
        config=plan.config.item_to_item,
        seed=plan.seed,
    )


def retriever_with(run: Run, plan: Plan, catalogue: Catalogue) -> Retriever:
    """This run's first stage in front of a catalogue."""
    return Retriever(catalogue, Tower(run.path(RETRIEVAL) / QUERY_TOWER), plan.config.quotas)


def load_examples(run: Run, plan: Plan) -> list[RankingExamples]:
    """The examples of every ranker snapshot."""
    folder = run.path(CANDIDATES)
    return [RankingExamples.load(folder / str(number)) for number in range(len(plan.split.ranker))]
