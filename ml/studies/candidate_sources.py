"""Judge each candidate source by its own list, as if it were the whole system for products new to the customer."""

from typing import Any

from ml.evaluation.candidate_source_metrics import SCORES, compare, listed
from ml.evaluation.evaluated_run import Judged
from ml.evaluation.metrics import DEPTH
from ml.runs import artifacts
from ml.runs.run import Run
from ml.steps.generate_candidates import retriever_with
from ml.steps.report import refresh_report

OWN = "repeat_purchases"
"""The one source that speaks of nothing new."""

REFERENCE = "popular"


def judge_sources(run: Run) -> dict[str, Any]:
    """Leave `sources.json` and print a line a source: its scores, and what it has more than popularity."""
    judged = Judged.of(run)
    catalogue = judged.system().catalogue
    customers, truth = judged.window(catalogue)
    names = [name for name in judged.spec.config.candidates_per_source if name != OWN]
    if REFERENCE not in names:
        names.append(REFERENCE)
    retriever = retriever_with(run, judged.spec, catalogue, dict.fromkeys(names, DEPTH))
    candidates = [found for _, block in retriever.candidates(customers) for found in block]
    found = compare(truth, {name: listed(candidates, name) for name in names}, REFERENCE, judged.spec.seed)
    best_first = sorted(found, key=lambda name: -found[name][SCORES[-1]]["mean"]["mean"])
    result = {
        "customers": len(customers),
        "reference": REFERENCE,
        "sources": {name: found[name] for name in best_first},
    }
    run.write_json(artifacts.SOURCES, result)
    refresh_report(run)
    for name in best_first:
        cells = [
            f"{score} {row['mean']['mean']:.4f}, {row['more']['mean']:+.4f} ({row['more']['low']:+.4f} to "
            f"{row['more']['high']:+.4f}) to {REFERENCE}"
            for score, row in found[name].items()
        ]
        print(name.ljust(16) + "   ".join(cells), flush=True)
    return {"run_id": run.run_id} | {name: round(found[name][SCORES[-1]]["mean"]["mean"], 4) for name in best_first}
