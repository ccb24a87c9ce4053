"""What each candidate source and each feature family brings to the judged system."""

from typing import Any

import numpy as np

from ml.evaluation.bootstrap import Estimate, bootstrap, paired
from ml.evaluation.evaluated_run import Judged
from ml.evaluation.ground_truth import Truth, judge
from ml.evaluation.metrics import mean
from ml.runs import artifacts
from ml.runs.run import Run
from ml.steps.report import refresh_report
from ml.studies.ablation import Part, families, featured, permuted, slates_of, without_source

SCORES = ("all NDCG@10", "all Recall@20", "explore NDCG@20", "explore Recall@100")
UNION = ("all", "explore")
WIDTH = 22


def ablate(run: Run, sources: bool, of_families: bool, customers: int) -> dict[str, Any]:
    """Leave `ablation.json` (what is lost without each source and family, paired, with intervals) and print a table.

    A run that was ablated for sources alone keeps what an earlier call found for families, and the other way round,
    if both looked at the same customers.
    """
    judged = Judged.of(run, customers)
    system, seed = judged.system(), judged.spec.seed
    people, truth = judged.window(system.catalogue)
    parts = list(featured(system.retriever, people))
    print(f"{len(people):,} customers, {sum(len(part.numeric) for part in parts):,} candidates", flush=True)

    def scored(changed: list[Part]) -> dict[str, np.ndarray]:
        scores = judge(truth, slates_of(system.recommender, system.ranker, changed))
        return {name: scores[name] for name in SCORES}

    whole = scored(parts)
    recalls = {part: _recalls(truth, _positions(parts), part) for part in UNION}
    found: dict[str, Any] = {
        "customers": len(people),
        "means": {name: vars(bootstrap(values, seed)) for name, values in whole.items()},
        "union": {part: mean(values) for part, values in recalls.items()},
    }
    if (run.folder / artifacts.ABLATION).exists():
        earlier = run.read_json(artifacts.ABLATION)
        if earlier["customers"] == len(people):
            found |= {name: earlier[name] for name in ("sources", "families") if name in earlier}
    if sources:
        found["sources"] = {}
        _head("brings, by source", [*SCORES, *(f"candidates' {part}" for part in UNION)])
        quotas = judged.spec.config.candidates_per_source
        for source in quotas:
            left = without_source(parts, source, quotas)
            less = scored(left)
            recall = {
                part: vars(paired(recalls[part], _recalls(truth, _positions(left), part), seed)) for part in UNION
            }
            found["sources"][source] = {"scores": _lost(whole, less, seed), "recall": recall}
            _say(source, found["sources"][source])
    if of_families:
        found["families"] = {}
        _head("brings, by family", list(SCORES))
        for family, members in families().items():
            less = scored(permuted(parts, family, seed))
            found["families"][family] = {"scores": _lost(whole, less, seed), "features": len(members)}
            _say(family, found["families"][family])
    run.write_json(artifacts.ABLATION, found)
    refresh_report(run)
    return {
        "customers": len(people),
        **{
            kind: {name: round(row["scores"][SCORES[0]]["mean"], 4) for name, row in found[kind].items()}
            for kind in ("sources", "families")
            if kind in found
        },
    }


def _positions(parts: list[Part]) -> list[np.ndarray]:
    return [candidates.positions for part in parts for candidates in part.found]


def _recalls(truth: Truth, candidates: list[np.ndarray], part: str) -> np.ndarray:
    """Each customer's part of what was bought that is among the candidates; NaN where nothing was."""
    relevant = truth.relevant(part)
    totals = np.array([len(items) for items in relevant]) + truth.missing
    found = np.array([np.isin(a, b).sum() for a, b in zip(relevant, candidates, strict=True)])
    return np.where(totals > 0, found / np.maximum(totals, 1), np.nan)


def _lost(whole: dict[str, np.ndarray], less: dict[str, np.ndarray], seed: int) -> dict[str, Any]:
    return {name: vars(paired(values, less[name], seed)) for name, values in whole.items()}


def _say(name: str, row: dict[str, Any]) -> None:
    cells = [_cell(Estimate(**value)) for value in (*row["scores"].values(), *row.get("recall", {}).values())]
    print(name.ljust(WIDTH) + "".join(cell.rjust(WIDTH + 6) for cell in cells), flush=True)


def _cell(brings: Estimate) -> str:
    return f"{brings.mean:+.4f} ({brings.low:+.4f} {brings.high:+.4f})"


def _head(first: str, names: list[str]) -> None:
    print(first.ljust(WIDTH) + "".join(name.rjust(WIDTH + 6) for name in names), flush=True)
