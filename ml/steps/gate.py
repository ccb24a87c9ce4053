"""Let the gate decide on the evidence of `evaluate`."""

import logging
from dataclasses import asdict
from typing import Any

from ml.evaluation.baselines import OWN_FREQUENCY
from ml.evaluation.evaluated_run import CHALLENGER, CHAMPION
from ml.evaluation.results import Results
from ml.gate.evidence import EvaluationChecks, evidence_of
from ml.gate.gate import decide
from ml.gate.leakage import find_leaks
from ml.gate.policy import load_policy
from ml.gate.purchase_evidence import PurchaseEvidence
from ml.report.write import write_report
from ml.runs import artifacts
from ml.runs.not_enough_data import not_enough_data
from ml.runs.run import Run
from ml.runs.spec import RunSpec

logger = logging.getLogger(__name__)


def gate(run: Run) -> dict[str, Any]:
    """Write `gate.json` and `report.html`, and link the run as the latest. "Keep the champion" is a result too.

    Args:
        run: A run that was evaluated, or that has too little data.

    Returns:
        Whether to publish, the reasons, and the path of the report.
    """
    because = not_enough_data(run)
    return _decide(run) if because is None else _finish(run, _without_evidence(because))


def _decide(run: Run) -> dict[str, Any]:
    spec, results = RunSpec.read(run), Results.load(run.path(artifacts.EVALUATION))
    policy = load_policy()
    purchases = PurchaseEvidence.read(run.path(artifacts.DATASET), spec.split, spec.config.training_windows.horizon)
    checks = EvaluationChecks.load(run.path(artifacts.EVALUATION))
    evidence = evidence_of(results, checks, find_leaks(purchases), CHALLENGER, CHAMPION, spec.seed)
    decision = decide(CHALLENGER, evidence, policy)
    return _finish(
        run,
        {
            "publish": decision.publish,
            "reasons": list(decision.reasons),
            "opponent": evidence.opponent if results.champion is None else results.champion,
            "policy": policy.model_dump(),
            "evidence": asdict(evidence),
        },
    )


def _without_evidence(because: str) -> dict[str, Any]:
    """Return the decision of a run without an evaluation: a trained version stays, otherwise the baseline serves."""
    return {
        "publish": False,
        "reasons": [because],
        "opponent": OWN_FREQUENCY,
        "policy": load_policy().model_dump(),
        "evidence": None,
    }


def _finish(run: Run, record: dict[str, Any]) -> dict[str, Any]:
    publish, reasons = record["publish"], record["reasons"]
    run.write_json(artifacts.GATE, record)
    report = write_report(run)
    run.make_latest()
    logger.info("\n  ".join(["PUBLISH" if publish else "KEEP THE CHAMPION", *reasons]))
    logger.info(f"The report: {report}")
    return {"publish": publish, "reasons": reasons, "report": str(report)}
