"""Let the gate decide on the evidence of `evaluate`."""

from dataclasses import asdict
from typing import Any

from ml.evaluation.baselines import BASELINES, OWN_FREQUENCY
from ml.evaluation.results import Results
from ml.gate import Evidence, decide, load_policy
from ml.runs import Run
from ml.steps.evaluate import CHALLENGER, CHAMPION, FOLDER
from ml.steps.plan import Plan

GATE = "gate.json"


def gate(run: Run) -> dict[str, Any]:
    """Leave `gate.json`; "keep the champion" is a result like any other."""
    plan, results = Plan.read(run), Results.load(run.path(FOLDER))
    policy = load_policy()
    evidence = evidence_of(results, plan.seed)
    decision = decide(CHALLENGER, evidence, policy)
    run.write_json(
        GATE,
        {
            "publish": decision.publish,
            "reasons": list(decision.reasons),
            "opponent": evidence.opponent if results.champion is None else results.champion,
            "policy": policy.model_dump(),
            "evidence": asdict(evidence),
        },
    )
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
