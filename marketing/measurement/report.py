"""Write a campaign's result as lines for a person and as JSON for a page."""

from collections.abc import Mapping
from typing import Any

from experiments.measurement.report import verdict_to_json
from experiments.verdict import Verdict
from marketing.measurement.measure import CampaignResult


def lines(result: CampaignResult, title: str | None = None) -> list[str]:
    """Return the result as lines for a person; the title is the campaign's id by default."""
    title = title or f"Campaign {result.announcement.campaign_id}"
    arms = ", ".join(f"{name} {count:,}" for name, count in result.counts.items())
    found = [
        f"{title}: {sum(result.counts.values()):,} customers in arms ({arms}); "
        f"{result.unassigned:,} were left out before the draw",
        f"Looks: {', '.join(map(str, result.days))}; {result.looks_done} of {len(result.days)} done",
    ]
    found += [f"  {'passed' if check.passed else 'FAILED'}  {check.sentence}" for check in result.identification.checks]
    found.append(result.sentence)
    for metric, verdict in result.verdicts.items():
        if metric != result.announcement.metric and verdict.effect is not None:
            found.append(f"  {verdict.sentence}")
    for variant, verdict in result.by_variant.items():
        found.append(f"  Variant {variant} alone: {verdict.sentence}")
    return found


def not_measured(reason: str) -> dict[str, Any]:
    """Return a result without any number as JSON values, for a measurement that has no arms or no look yet."""
    return {
        "sentence": f"Not identified: {reason}.",
        "identified": False,
        "metric": None,
        "why_not": [reason],
        "counts": {},
        "unassigned": 0,
        "looks": [],
        "looks_done": 0,
        "checks": [],
        "metrics": {},
        "variants": {},
    }


def to_json(result: CampaignResult) -> dict[str, Any]:
    """Return the result as JSON values; an effect that is not identified has no number."""
    return {
        "campaign_id": result.announcement.campaign_id,
        "metric": result.announcement.metric,
        "sentence": result.sentence,
        "identified": result.identification.identified if result.looks_done else None,
        "why_not": list(result.identification.reasons),
        "counts": dict(result.counts),
        "unassigned": result.unassigned,
        "looks": [day.isoformat() for day in result.days],
        "looks_done": result.looks_done,
        "checks": [
            {"name": check.name, "passed": check.passed, "p_value": check.p_value, "sentence": check.sentence}
            for check in result.identification.checks
        ],
        "metrics": _verdicts(result.verdicts),
        "variants": _verdicts(result.by_variant),
    }


def _verdicts(verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    return {name: verdict_to_json(verdict) for name, verdict in verdicts.items()}
