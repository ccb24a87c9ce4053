"""Let the gate decide on the evidence of `evaluate`."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from ml.evaluation.baselines import BASELINES, OWN_FREQUENCY
from ml.evaluation.report import render
from ml.evaluation.results import Results
from ml.gate import Evidence, decide, load_policy
from ml.runs import Run
from ml.steps import places
from ml.steps.evaluate import CHALLENGER, CHAMPION, EXAMPLES, SOURCE_SHARES
from ml.steps.plan import Plan


def gate(run: Run) -> dict[str, Any]:
    """Leave `gate.json` and `report.html`, and make the run the latest. "Keep the champion" is a result too."""
    plan, results = Plan.read(run), Results.load(run.path(places.EVALUATION))
    policy = load_policy()
    evidence = evidence_of(results, plan.seed)
    decision = decide(CHALLENGER, evidence, policy)
    record = {
        "publish": decision.publish,
        "reasons": list(decision.reasons),
        "opponent": evidence.opponent if results.champion is None else results.champion,
        "policy": policy.model_dump(),
        "evidence": asdict(evidence),
    }
    run.write_json(places.GATE, record)
    run.write_text(places.REPORT, _report(run, plan, record))
    run.make_latest()
    print("PUBLISH" if decision.publish else "KEEP THE CHAMPION", *decision.reasons, sep="\n  ", flush=True)
    return {"publish": decision.publish, "reasons": list(decision.reasons)}


def evidence_of(results: Results, seed: int) -> Evidence:
    """The challenger's paired differences against the champion (if one serves) and every simple rule."""
    summary = results.summary(seed)
    others = [*BASELINES, *([CHAMPION] if results.champion else [])]
    return Evidence(
        customers=len(results.customer_ids),
        opponent=CHAMPION if results.champion else OWN_FREQUENCY,
        against={other: results.differences(CHALLENGER, other, seed) for other in others},
        means={method: values["means"] for method, values in summary["methods"].items()},
        coverage=results.coverage[CHALLENGER],
    )


def _report(run: Run, plan: Plan, decision: dict[str, Any]) -> str:
    evaluation, summary = run.path(places.EVALUATION), run.read_json(places.RUN)
    results = summary["results"]
    retrieval = run.read_json(places.RETRIEVAL_CURVE)
    ranking = run.read_json(places.ranker_curve(results["ranker"]))
    judged = plan.day(plan.split.judged)
    return render(
        {
            "run_id": run.run_id,
            "plan": summary,
            "judged": judged,
            "until": judged + timedelta(weeks=plan.config.windows.horizon, days=-1),
            "results": results,
            "gate": decision,
            "curves": {
                "two-tower: loss": ("loss", [row["loss"] for row in retrieval]),
                "two-tower: unseen weeks": ("explore Recall@100", [row["recall"] for row in retrieval]),
                f"{results['ranker']}: loss": ("loss", [row["loss"] for row in ranking]),
            },
            "sources": json.loads((evaluation / SOURCE_SHARES).read_text()),
            "examples": json.loads((evaluation / EXAMPLES).read_text()),
        },
        CHALLENGER,
    )
