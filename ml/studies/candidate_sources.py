"""Evaluate each candidate source by its own list, as if it were the whole system for products new to the customer."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from experiments.bootstrap import bootstrap, paired_difference
from ml.evaluation.evaluated_run import EvaluatedRun, retriever_with
from ml.evaluation.ground_truth import GroundTruth, RankedLists, Slates, evaluate_lists
from ml.metrics import DEPTH
from ml.report.write import refresh_report
from ml.runs import artifacts
from ml.runs.run import Run
from scoring.candidates.merge import Candidates
from scoring.candidates.source import RepeatSource
from scoring.candidates.sources import SOURCES

logger = logging.getLogger(__name__)

REFERENCE = "popular"


SCORES = ("explore NDCG@20", "explore Recall@100")


def standalone_lists(candidates: Iterable[Candidates], name: str) -> Slates:
    """Return the products new to the customer that one source proposed, in its own order, at most DEPTH.

    Args:
        candidates: Candidates that were generated with a quota of at least DEPTH for the source.
        name: The source.
    """
    positions, scores = [], []
    for found in candidates:
        rank = found.ranks[name]
        new = np.flatnonzero((rank < DEPTH) & ~found.is_repeat)
        new = new[np.argsort(rank[new], kind="stable")]
        positions.append(found.positions[new])
        scores.append(found.scores[name][new])
    lists = RankedLists.of(positions, scores)
    return {"all": lists, "explore": lists}


def compare_sources(
    truth: GroundTruth, lists: Mapping[str, Slates], reference: str, seed: int
) -> dict[str, dict[str, Any]]:
    """Return by source and score the mean and the paired difference to the source `reference`, with 95% intervals."""
    scores_of = {name: evaluate_lists(truth, slates) for name, slates in lists.items()}
    return {
        name: {
            score: {
                "mean": asdict(bootstrap(values[score], seed)),
                "more": asdict(paired_difference(values[score], scores_of[reference][score], seed)),
            }
            for score in SCORES
        }
        for name, values in scores_of.items()
    }


def evaluate_sources(run: Run) -> dict[str, Any]:
    """Write `candidate_sources.json` and log each source's scores and its lead over popularity."""
    evaluated = EvaluatedRun.of(run)
    catalogue = evaluated.system().catalogue
    window = evaluated.evaluation_set(catalogue)
    customers, truth = window.customers, window.truth
    configured = evaluated.spec.config.candidates_per_source
    names = [name for name in configured if not isinstance(SOURCES[name], RepeatSource)]
    if REFERENCE not in names:
        names.append(REFERENCE)
    retriever = retriever_with(run, evaluated.spec, catalogue, dict.fromkeys(names, DEPTH))
    candidates = [found for _, block in retriever.candidates(customers) for found in block]
    found = compare_sources(
        truth, {name: standalone_lists(candidates, name) for name in names}, REFERENCE, evaluated.spec.seed
    )
    best_first = sorted(found, key=lambda name: -found[name][SCORES[-1]]["mean"]["mean"])
    result = {
        "customers": len(customers),
        "reference": REFERENCE,
        "sources": {name: found[name] for name in best_first},
    }
    run.write_json(artifacts.CANDIDATE_SOURCES, result)
    refresh_report(run)
    for name in best_first:
        cells = [
            f"{score} {row['mean']['mean']:.4f}, {row['more']['mean']:+.4f} ({row['more']['low']:+.4f} to "
            f"{row['more']['high']:+.4f}) to {REFERENCE}"
            for score, row in found[name].items()
        ]
        logger.info(name.ljust(16) + "   ".join(cells))
    return {"run_id": run.run_id} | {name: round(found[name][SCORES[-1]]["mean"]["mean"], 4) for name in best_first}
