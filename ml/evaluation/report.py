"""One page a person can read: what shipped and why, on what evidence. It needs no network to be viewed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from ml.evaluation import plots

TEMPLATE = "report.html.j2"


def render(facts: Mapping[str, Any], ours: str) -> str:
    """The report's HTML.

    facts: `run_id`, `plan`, `judged`, `until`, `results` (as in run.json), `gate` (as in gate.json), `curves`
    (by title: label and values), `sources` and `examples`.
    """
    methods = facts["results"]["methods"]
    scores = list(next(iter(methods.values()))["means"])
    score_plots = [
        plots.intervals(
            name,
            {method: values["means"][name] for method, values in methods.items()},
            {method: values["intervals"][name] for method, values in methods.items()},
            ours,
        )
        for name in scores
        if name in ("all NDCG@10", "explore NDCG@20", "explore Recall@100", "repeat Recall@20")
    ]
    curves = [plots.curve(title, label, values) for title, (label, values) in facts["curves"].items()]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(TEMPLATE).render(
        **{name: value for name, value in facts.items() if name != "curves"},
        ours=ours,
        scores=scores,
        score_plots=score_plots,
        curves=curves,
    )
