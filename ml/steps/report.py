"""Collect what a run's steps left behind into the run's page, `report.html`."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ml.evaluation.baselines import OWN_FREQUENCY
from ml.evaluation.diversity import CUSTOMERS
from ml.evaluation.results import Results
from ml.gate.gate import load_policy
from ml.report.list_changes import changes
from ml.report.page import render, render_baseline
from ml.runs import artifacts
from ml.runs.not_enough_data import not_enough_data
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from ml.steps.evaluate import BROUGHT, CHALLENGER, CHAMPION, DIVERSITY, EXAMPLES
from scoring.schema import ACTIVITY

OPTIONAL = {
    "slices": f"{artifacts.EVALUATION}/slices.json",
    "calibration": f"{artifacts.EVALUATION}/calibration.json",
    "diversity": f"{artifacts.EVALUATION}/{DIVERSITY}",
    "published": artifacts.REGISTERED_MODEL,
    "rankers": artifacts.RANKERS,
    "encoders": artifacts.ENCODERS,
    "alone": artifacts.SOURCES,
    "ablation": artifacts.ABLATION,
    "hidden_history": artifacts.HIDDEN_HISTORY,
    "new_products": artifacts.NEW_PRODUCTS,
}
"""Parts of the page that stand there if a step has left their evidence."""


SHOWN = 10
"""Popular products on the page of a run that trained nothing."""


def write_report(run: Run) -> Path:
    """Leave `report.html` of a run that the gate has judged; returns its path."""
    if (because := not_enough_data(run)) is not None:
        run.write_text(artifacts.REPORT, render_baseline(_baseline_facts(run, because)))
        return run.path(artifacts.REPORT)
    spec, summary = RunSpec.read(run), run.read_json(artifacts.RUN)
    evaluation, decision = run.path(artifacts.EVALUATION), run.read_json(artifacts.GATE)
    results = Results.load(evaluation)
    others = [method for method in results.scores if method != CHALLENGER]
    opponent = CHAMPION if CHAMPION in others else decision["opponent"]
    judged = spec.day(spec.split.evaluation)
    products = dataset(run).products(spec.split.evaluation)
    facts: dict[str, Any] = {
        "run_id": run.run_id,
        "folder": _near(run.folder),
        "plan": summary,
        "judged": judged,
        "until": judged + timedelta(weeks=spec.config.training_windows.horizon, days=-1),
        "results": summary["results"],
        "ours": CHALLENGER,
        "opponent": opponent,
        "rule": OWN_FREQUENCY,
        "differences": {
            other: {name: asdict(e) for name, e in found.items()}
            for other, found in results.differences(CHALLENGER, others, spec.seed).items()
        },
        "gate": decision,
        "curves": _curves(run),
        "brought": json.loads((evaluation / BROUGHT).read_text()),
        "diversity_customers": min(CUSTOMERS, summary["results"]["customers"]),
        "examples": json.loads((evaluation / EXAMPLES).read_text()),
        "changes": changes(
            pq.read_table(evaluation / artifacts.LISTS, filters=[("method", "in", [CHALLENGER, opponent])]),
            CHALLENGER,
            opponent,
            dict(zip(products.product_ids, products.names, strict=True)),
        ),
    }
    for name, path in OPTIONAL.items():
        file = run.folder / path
        facts[name] = json.loads(file.read_text()) if file.exists() else None
    run.write_text(artifacts.REPORT, render(facts))
    return run.path(artifacts.REPORT)


def _baseline_facts(run: Run, because: str) -> dict[str, Any]:
    spec, data = RunSpec.read(run), dataset(run)
    customers, _ = data.customers(spec.split.now)
    products = data.products(spec.split.now)
    order = np.argsort(-products.activity[:, ACTIVITY.index("buyers_4w")], kind="stable")[:SHOWN]
    return {
        "run_id": run.run_id,
        "folder": _near(run.folder),
        "plan": spec.as_dict(),
        "because": because,
        "rule": OWN_FREQUENCY,
        "needs": {"judged": load_policy().min_customers, "windows": spec.config.training_windows},
        "customers": len(customers),
        "products": len(products.product_ids),
        "popular": [
            {
                "name": products.names[row] or f"product {products.product_ids[row]}",
                "buyers": int(products.activity[row, ACTIVITY.index("buyers_4w")]),
            }
            for row in order
        ],
    }


def refresh_report(run: Run) -> None:
    """Write the page again if the gate has written it before: a later step has something to add."""
    if (run.folder / artifacts.REPORT).exists():
        print(f"The report: {_near(write_report(run))}", flush=True)


def _curves(run: Run) -> dict[str, list[dict[str, float]]]:
    """Every learning curve by what was trained, one row an epoch: `retrieval_curve.json` → `retrieval`."""
    files = sorted(run.folder.glob("*_curve.json"), key=lambda file: (not file.name.startswith("retrieval"), file.name))
    return {file.name.removesuffix("_curve.json").replace("_", " "): json.loads(file.read_text()) for file in files}


def _near(path: Path) -> str:
    """The path as one would type it from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
