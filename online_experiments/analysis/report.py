"""Write an experiment's result as lines for a person and as JSON for a page."""

from collections.abc import Mapping
from typing import Any

from experiments.measurement.report import verdict_to_json
from experiments.verdict import Verdict
from online_experiments.analysis.analyse import Result


def lines(result: Result) -> list[str]:
    """Return the result as lines for a person."""
    experiment, exposed = result.announcement.experiment, result.exposed
    arms = ", ".join(f"{name} {count:,}" for name, count in result.counts.items())
    found = [
        f"Experiment {experiment.id}: {experiment.question}",
        f"{sum(result.counts.values()):,} customers are exposed ({arms}), in {len(exposed.answer_of):,} answers; "
        f"{exposed.testers:,} testers are left out",
        f"Looks: one a day from {result.days[0]} to {result.days[-1]}; {result.looks_done} of {len(result.days)} done",
    ]
    if exposed.champion_instead:
        found.append(f"  {exposed.champion_instead:,} answers were the champion's, because the version could not serve")
    found += [f"  {'passed' if check.passed else 'FAILED'}  {check.sentence}" for check in result.identification.checks]
    for name, sentence in result.sentences.items():
        found.append(f"{name} against {experiment.control}: {sentence}")
        if name in result.variants:
            others = list(result.variants[name].verdicts.values())[1:]
            found += [f"  {verdict.sentence}" for verdict in others if verdict.effect is not None]
    return found


def to_json(result: Result) -> dict[str, Any]:
    """Return the result as JSON values; an effect that is not identified has no number."""
    experiment = result.announcement.experiment
    return {
        "experiment_id": experiment.id,
        "metric": experiment.measure.primary,
        "control": experiment.control,
        "sentences": result.sentences,
        "known_until": result.known_until.isoformat(),
        "counts": dict(result.counts),
        "answers": len(result.exposed.answer_of),
        "testers": result.exposed.testers,
        "champion_instead": result.exposed.champion_instead,
        "looks": [day.isoformat() for day in result.days],
        "looks_done": result.looks_done,
        "identified": result.identification.identified if result.looks_done else None,
        "checks": [
            {"name": check.name, "passed": check.passed, "p_value": check.p_value, "sentence": check.sentence}
            for check in result.identification.checks
        ],
        "variants": {
            name: {
                "advice": found.advised.advice.value,
                "weeks_needed": found.advised.weeks_needed,
                "metrics": _verdicts(found.verdicts),
            }
            for name, found in result.variants.items()
        },
    }


def _verdicts(verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    return {name: verdict_to_json(verdict) for name, verdict in verdicts.items()}
