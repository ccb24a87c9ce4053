"""Write a verdict as JSON for a page."""

from typing import Any

from experiments.verdict import Verdict


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON values; an effect that is not identified has no number."""
    found: dict[str, Any] = {
        "outcome": verdict.outcome.value,
        "sentence": verdict.sentence,
        "look": verdict.look,
        "decided_at_look": verdict.decided_at,
    }
    if verdict.effect is None or verdict.interval is None:
        return found
    effect = verdict.effect
    return found | {
        "difference": effect.difference,
        "low": verdict.interval[0],
        "high": verdict.interval[1],
        "standard_error": effect.standard_error,
        "control_mean": effect.control_mean,
        "relative": effect.relative,
        "smallest_visible": verdict.smallest_visible,
        "treated": effect.treated,
        "control": effect.control,
        "covariates": effect.covariates,
    }
