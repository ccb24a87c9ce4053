"""Render the report: what shipped and why, with its evidence, on one page that needs no network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from experiments.bootstrap import Estimate
from ml.evaluation.slices import Slice
from ml.report import plots
from ml.report.facts import BaselineFacts, ReportFacts, StudyResult

TEMPLATES = Path(__file__).with_name("templates")
PAGE = "report.html.j2"
BASELINE_PAGE = "baseline.html.j2"

HEADLINES = ("all NDCG@10", "all Recall@20", "explore NDCG@20", "explore Recall@100")
"""The scores with a picture; the tables have every score."""

CURVE_METRICS = ("loss", "recall", "all NDCG@10", "explore NDCG@20")
"""The figures that learning curves show, if a model has them."""


def render(facts: ReportFacts) -> str:
    """Return the HTML of the report of a run that trained and evaluated."""
    lines = _lines(facts.curves)
    page = _environment().get_template(PAGE)
    return page.render(
        **vars(facts),
        scores=list(facts.results.methods[facts.ours].means),
        headlines=HEADLINES,
        ranker_scores=facts.rankers and _distinguishing(facts.rankers["scores"]),
        last_values=[_single_values(title, found) for title, found in lines.items() if not _has_a_curve(found)],
        pictures={name: picture for name, picture in _pictures(facts).items() if picture is not None},
    )


def render_baseline(facts: BaselineFacts) -> str:
    """Return the HTML of the report of a run that trained nothing."""
    page = _environment().get_template(BASELINE_PAGE)
    return page.render(**vars(facts))


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _pictures(facts: ReportFacts) -> dict[str, Any]:
    methods = facts.results.methods
    return {
        "scores": plots.dots(
            {name: {m: (v.means[name], *v.intervals[name]) for m, v in methods.items()} for name in HEADLINES},
            facts.ours,
        ),
        "differences": plots.forest(
            {
                name: {f"to {other}": _estimate_bounds(of[name]) for other, of in facts.differences.items()}
                for name in HEADLINES
            },
            "difference",
            "Paired differences to every other method with 95% intervals; the figures are in the table.",
        ),
        "slices": facts.slices and _slices(facts, facts.slices),
        "sources": _sources(facts.source_contributions),
        "calibration": facts.calibration and plots.reliability(facts.calibration),
        "diversity": facts.diversity and plots.trade_off(facts.diversity),
        "curves": [plots.curve(title, found) for title, found in _lines(facts.curves).items() if _has_a_curve(found)],
        "overlaps": plots.overlaps({slate: c.counts for slate, c in facts.list_changes.items()}, facts.opponent),
        "ablation": [_ablation(kind, found[kind]) for found in [facts.ablation] if found for kind in _kinds(found)],
        "cold_start": facts.cold_start and _cold_start(facts.cold_start),
    }


def _slices(facts: ReportFacts, slices: Sequence[Slice]) -> str:
    """Draw ours - the baseline in every slice, one panel per score."""
    baseline = facts.baseline
    panels: dict[str, dict[str, plots.Bounds]] = {}
    for row in slices:
        if baseline in row.against:
            lead = row.against[baseline]
            panels.setdefault(row.score, {})[f"{row.slice}: {row.value}"] = lead.mean, lead.low, lead.high
    # Every panel has the rows of the longest; a slice too small for a score is blank there.
    ordered = sorted(panels.items(), key=lambda item: -len(item[1]))
    return plots.forest(
        dict(ordered),
        f"difference to {baseline}",
        f"Difference of {facts.ours} to {baseline} in every slice, with 95% intervals; the figures are in the table.",
    )


def _sources(contributions: Mapping[str, Mapping[str, float | None]]) -> str:
    panels = {
        "Ranks in ten, all": ("all share", None),
        "Ranks in ten, explore": ("explore share", None),
        "Recall before ranking, all": ("all recall", "all only_here"),
        "… explore": ("explore recall", "explore only_here"),
    }
    return plots.bars(
        {
            title: {
                name: (row[light] or 0.0, (row[dark] or 0.0) if dark else 0.0) for name, row in contributions.items()
            }
            for title, (light, dark) in panels.items()
        },
        ("found", "by no other source"),
        "Ranks in the lists and recall before ranking of each source; the figures are in the table.",
    )


def _distinguishing(rankers: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the scores in which rankers differ.

    A held-out list has few negatives, so a deep recall finds all purchases in any order, and is left out. Scores count
    as equal if the page prints them equally, because sums in another order differ in the last bits.
    """
    names = list(next(iter(rankers.values())))
    is_single = len(rankers) == 1
    return [name for name in names if is_single or len({f"{values[name]:.4f}" for values in rankers.values()}) > 1]


Lines = Mapping[str, tuple[list[int], list[float]]]
"""Epochs at which a score was measured, and its values, by the trained model."""


def _has_a_curve(lines: Lines) -> bool:
    return any(len(epochs) > 1 for epochs, _ in lines.values())


def _single_values(title: str, lines: Lines) -> str:
    return f"{title} " + ", ".join(f"{values[0]:.4f} after {name}" for name, (_, values) in lines.items())


def _lines(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Lines]:
    """Return a picture's lines by its title.

    Rankers share a picture because they compete. The phases of the towers are lines of one picture.
    """
    groups: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for trained, rows in curves.items():
        group, _, name = trained.partition(" ")
        for row in rows:
            groups.setdefault(group, {}).setdefault(row.get("phase", name), []).append(row)
    return {
        f"{group}: {score}": lines
        for group, members in groups.items()
        for score in CURVE_METRICS
        if (lines := {name: line for name, rows in members.items() if (line := _line(rows, score))[0]})
    }


def _line(rows: Sequence[Mapping[str, Any]], score: str) -> tuple[list[int], list[float]]:
    """Return the epochs at which a score was measured, and its values."""
    seen = [row for row in rows if score in row]
    return [row["epoch"] for row in seen], [row[score] for row in seen]


def _kinds(ablation: StudyResult) -> list[str]:
    return [kind for kind in ("sources", "feature_groups") if kind in ablation]


def _ablation(kind: str, rows: StudyResult) -> str:
    scores = list(next(iter(rows.values()))["scores"])
    return plots.forest(
        {score: {name: _bounds(row["scores"][score]) for name, row in rows.items()} for score in scores},
        "gain",
        f"Loss of the system without each of its {kind.replace('_', ' ')}, with 95% intervals; "
        "the figures are in the table.",
    )


def _cold_start(curve: StudyResult) -> list[str]:
    points = curve["points"]
    labels = [point["baskets"] for point in points]
    return [
        plots.growth(
            score,
            labels,
            {m: [_bounds(point["methods"][m][score]) for point in points] for m in points[0]["methods"]},
            "newest baskets used",
        )
        for score in curve["scores"]
    ]


def _estimate_bounds(estimate: Estimate) -> plots.Bounds:
    return estimate.mean, estimate.low, estimate.high


def _bounds(estimate: Mapping[str, float]) -> plots.Bounds:
    return estimate["mean"], estimate["low"], estimate["high"]
