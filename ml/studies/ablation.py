"""Measure the contribution of each candidate source and feature group to a trained system, without a new training.

*Sources* are switched off at inference. Their candidates are removed unless another source also proposes them. Their
scores become 0 and their ranks become the quota, which means "not proposed", as in training.

*Feature groups* are permuted (Breiman 2001, "Random Forests", section 10). The joint permutation of a group and its
interpretation as "model reliance" follow Fisher, Rudin & Dominici 2019 ("All Models are Wrong, but Many are Useful",
section 3). The group's columns are shuffled together among the candidates of one customer. They keep their values and
their relation to each other, but no longer describe the candidate. A group that is constant for the candidates of a
customer, such as traits, is shuffled among customers.

Both measure what the *trained* model uses. A model trained without the source or group would use the others more, so
its loss would be smaller. Permuted rows are also combinations that the model never saw.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.bootstrap import Estimate, bootstrap, paired_difference
from ml.evaluation.candidate_source_metrics import recall_by_customer
from ml.evaluation.evaluated_run import EvaluatedRun, stack_lists
from ml.evaluation.ground_truth import Slates, evaluate_lists
from ml.metrics import DEPTH, mean
from ml.report.write import refresh_report
from ml.runs import artifacts
from ml.runs.run import Run
from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import Candidates
from scoring.candidates.retriever import Retriever
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES, Slate
from scoring.rank_features import CATEGORICAL, FEATURE_GROUPS, NUMERIC, cross_features
from scoring.recommender import RankedList, Recommender

logger = logging.getLogger(__name__)

SCORES = ("all NDCG@10", "all Recall@20", "explore NDCG@20", "explore Recall@100")
RECALL_PARTS = ("all", "explore")
WIDTH = 22

CODES = "product codes"
"""The group of the categorical features."""

Ranking = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Part:
    """Hold a block of customers with their candidates and features, to be ranked several times.

    Attributes:
        block: The customers.
        found: Candidates of each customer.
        numeric: Features of all candidates, customer by customer, float32 `[rows, len(NUMERIC)]`.
        categorical: Vocabulary numbers of the same rows, int32 `[rows, len(CATEGORICAL)]`.
    """

    block: CustomerBatch
    found: list[Candidates]
    numeric: np.ndarray
    categorical: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Return the number of candidates of each customer, int64 `[customers]`."""
        return np.array([len(candidates.positions) for candidates in self.found])


def featured(retriever: Retriever, customers: Sequence[Customer]) -> Iterator[Part]:
    """Yield candidates and features of the customers, one block at a time."""
    for block, found in retriever.candidates(customers):
        features = [cross_features(block, row, candidates) for row, candidates in enumerate(found)]
        yield Part(block, found, np.concatenate([f[0] for f in features]), np.concatenate([f[1] for f in features]))


def slates_of(recommender: Recommender, ranker: Ranking, parts: Sequence[Part]) -> Slates:
    """Return every customer's lists from these candidates and features, by the code that serves."""
    ranked: dict[Slate, list[RankedList]] = {slate: [] for slate in SLATES}
    for part in parts:
        scores = np.split(ranker(part.numeric, part.categorical), np.cumsum(part.sizes)[:-1])
        for row, candidates in enumerate(part.found):
            for slate in SLATES:
                ranked[slate].append(recommender.build_slate(part.block, row, candidates, scores[row], slate, DEPTH))
    return stack_lists(ranked)


def without_source(parts: Sequence[Part], source: str, quotas: Mapping[str, int]) -> list[Part]:
    """Return the same parts as if `source` had proposed nothing."""
    return [_without(part, source, quotas) for part in parts]


def _without(part: Part, source: str, quotas: Mapping[str, int]) -> Part:
    keep = [put_forward(candidates, quotas, leave_out=source) for candidates in part.found]
    numeric = part.numeric[np.concatenate(keep)]
    for name, value in ((f"score_{source}", 0.0), (f"rank_{source}", float(quotas[source]))):
        if name in NUMERIC:
            numeric[:, NUMERIC.index(name)] = value
    found = [
        replace(
            candidates,
            positions=candidates.positions[kept],
            source=candidates.source[kept],
            is_repeat=candidates.is_repeat[kept],
            scores={name: values[kept] for name, values in candidates.scores.items() if name != source},
            ranks={name: values[kept] for name, values in candidates.ranks.items() if name != source},
        )
        for candidates, kept in zip(part.found, keep, strict=True)
    ]
    return Part(part.block, found, numeric, part.categorical[np.concatenate(keep)])


def put_forward(candidates: Candidates, quotas: Mapping[str, int], leave_out: str | None = None) -> np.ndarray:
    """Return whether any source except `leave_out` proposed each candidate, bool `[n]`."""
    kept = np.zeros(len(candidates.positions), bool)
    for name, ranks in candidates.ranks.items():
        if name != leave_out:
            kept |= ranks < quotas[name]
    return kept


def feature_groups() -> dict[str, list[str]]:
    """Return the names of the features by group; the categorical ones are a group of their own."""
    members: dict[str, list[str]] = {}
    for name in NUMERIC:
        members.setdefault(FEATURE_GROUPS[name], []).append(name)
    return members | {CODES: list(CATEGORICAL)}


def permuted(parts: Sequence[Part], group: str, seed: int) -> list[Part]:
    """Return the same parts with the group's columns shuffled; the same seed shuffles the same way."""
    rng = np.random.default_rng(seed)
    if group == CODES:
        orders = [_within(part.sizes, rng) for part in parts]
        return [replace(part, categorical=part.categorical[o]) for part, o in zip(parts, orders, strict=True)]
    columns = [NUMERIC.index(name) for name in feature_groups()[group]]
    changed = []
    if all(_constant(part, columns) for part in parts):
        values = np.concatenate([part.numeric[_firsts(part.sizes)][:, columns] for part in parts])
        values, done = values[rng.permutation(len(values))], 0
        for part in parts:
            shuffled = values[done : done + len(part.found)]
            done += len(part.found)
            changed.append(_with(part, columns, np.repeat(shuffled, part.sizes, axis=0)))
        return changed
    for part in parts:
        changed.append(_with(part, columns, part.numeric[_within(part.sizes, rng)][:, columns]))
    return changed


def _with(part: Part, columns: list[int], values: np.ndarray) -> Part:
    numeric = part.numeric.copy()
    numeric[:, columns] = values
    return replace(part, numeric=numeric)


def _within(sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an order of rows that moves them only inside their own customer."""
    customer = np.repeat(np.arange(len(sizes)), sizes)
    return np.lexsort((rng.random(len(customer)), customer))


def _firsts(sizes: np.ndarray) -> np.ndarray:
    """Return the first row of each customer; that of a customer without candidates is arbitrary and not used."""
    firsts: np.ndarray = np.minimum(np.cumsum(sizes) - sizes, max(int(sizes.sum()) - 1, 0))
    return firsts


def _constant(part: Part, columns: list[int]) -> bool:
    first = np.repeat(part.numeric[_firsts(part.sizes)][:, columns], part.sizes, axis=0)
    return bool((first == part.numeric[:, columns]).all())


def ablate(run: Run, sources: bool, of_feature_groups: bool, customers: int) -> dict[str, Any]:
    """Write `ablation.json`, the paired losses without each source and group with intervals, and log a table.

    Results of an earlier call for the other kind (sources or groups) are kept if the customers are the same.

    Args:
        run: An evaluated run.
        sources: Switch off each source.
        of_feature_groups: Permute each feature group.
        customers: Size of the sample of evaluated customers.

    Returns:
        The number of customers, and the loss of the first score by source and group.
    """
    evaluated = EvaluatedRun.of(run, customers)
    system, seed = evaluated.system(), evaluated.spec.seed
    window = evaluated.evaluation_set(system.catalogue)
    people, truth = window.customers, window.truth
    parts = list(featured(system.retriever, people))
    logger.info(f"{len(people):,} customers, {sum(len(part.numeric) for part in parts):,} candidates")

    def scored(changed: list[Part]) -> dict[str, np.ndarray]:
        scores = evaluate_lists(truth, slates_of(system.recommender, system.ranker, changed))
        return {name: scores[name] for name in SCORES}

    whole = scored(parts)
    recalls = {part: recall_by_customer(_positions(parts), truth, part) for part in RECALL_PARTS}
    found: dict[str, Any] = {
        "customers": len(people),
        "means": {name: vars(bootstrap(values, seed)) for name, values in whole.items()},
        "candidate_recall": {part: mean(values) for part, values in recalls.items()},
    }
    if (run.folder / artifacts.ABLATION).exists():
        earlier = run.read_json(artifacts.ABLATION)
        if earlier["customers"] == len(people):
            found |= {name: earlier[name] for name in ("sources", "feature_groups") if name in earlier}
    if sources:
        found["sources"] = {}
        _head("gain, by source", [*SCORES, *(f"candidates' {part}" for part in RECALL_PARTS)])
        quotas = evaluated.spec.config.candidates_per_source
        for source in quotas:
            left = without_source(parts, source, quotas)
            less = scored(left)
            recall = {
                part: vars(paired_difference(recalls[part], recall_by_customer(_positions(left), truth, part), seed))
                for part in RECALL_PARTS
            }
            found["sources"][source] = {"scores": _lost(whole, less, seed), "recall": recall}
            _log_row(source, found["sources"][source])
    if of_feature_groups:
        found["feature_groups"] = {}
        _head("gain, by feature group", list(SCORES))
        for group, members in feature_groups().items():
            less = scored(permuted(parts, group, seed))
            found["feature_groups"][group] = {"scores": _lost(whole, less, seed), "features": len(members)}
            _log_row(group, found["feature_groups"][group])
    run.write_json(artifacts.ABLATION, found)
    refresh_report(run)
    return {
        "customers": len(people),
        **{
            kind: {name: round(row["scores"][SCORES[0]]["mean"], 4) for name, row in found[kind].items()}
            for kind in ("sources", "feature_groups")
            if kind in found
        },
    }


def _positions(parts: list[Part]) -> list[np.ndarray]:
    return [candidates.positions for part in parts for candidates in part.found]


def _lost(whole: dict[str, np.ndarray], less: dict[str, np.ndarray], seed: int) -> dict[str, Any]:
    return {name: vars(paired_difference(values, less[name], seed)) for name, values in whole.items()}


def _log_row(name: str, row: dict[str, Any]) -> None:
    cells = [_cell(Estimate(**value)) for value in (*row["scores"].values(), *row.get("recall", {}).values())]
    logger.info(name.ljust(WIDTH) + "".join(cell.rjust(WIDTH + 6) for cell in cells))


def _cell(gain: Estimate) -> str:
    return f"{gain.mean:+.4f} ({gain.low:+.4f} {gain.high:+.4f})"


def _head(first: str, names: list[str]) -> None:
    logger.info(first.ljust(WIDTH) + "".join(name.rjust(WIDTH + 6) for name in names))
