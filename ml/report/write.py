"""Collect the results of a run's steps into the run's page, `report.html`."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ml.evaluation.baselines import OWN_FREQUENCY
from ml.evaluation.calibration import SlateCalibration
from ml.evaluation.diversity import CUSTOMERS, DiversityPoint
from ml.evaluation.evaluated_run import CHALLENGER, CHAMPION
from ml.evaluation.results import DIVERSITY, SAMPLE_CUSTOMERS, SOURCE_CONTRIBUTIONS, Results, read_part
from ml.evaluation.slices import Slice
from ml.gate.evidence import CALIBRATION, SLICES
from ml.gate.policy import load_policy
from ml.report.facts import BaselineFacts, Decision, PopularProduct, ReportFacts, ResultsSummary
from ml.report.list_changes import list_changes
from ml.report.page import render, render_baseline
from ml.report.sample_customers import SampleCustomer
from ml.runs import artifacts
from ml.runs.not_enough_data import not_enough_data
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from scoring.schema import ACTIVITY

logger = logging.getLogger(__name__)

POPULAR_PRODUCTS = 10
"""Number of popular products on the page of a run that trained nothing."""

FORMER_STUDIES = {
    "hidden_history.json": "cold-start",
    "new_products.json": "new-items",
    "sources.json": "candidate-sources",
}
"""Files of earlier versions of studies, and the steps that write their successors."""


def write_report(run: Run) -> Path:
    """Write `report.html` of a run that the gate decided on, and return its path."""
    because = not_enough_data(run)
    html = render(_facts(run)) if because is None else render_baseline(_baseline_facts(run, because))
    run.write_text(artifacts.REPORT, html)
    return run.path(artifacts.REPORT)


def refresh_report(run: Run) -> None:
    """Write the page again if the gate has written it before, because a later step has something to add."""
    if (run.folder / artifacts.REPORT).exists():
        logger.info(f"The report: {_relative(write_report(run))}")


def _facts(run: Run) -> ReportFacts:
    spec, summary = RunSpec.read(run), run.read_json(artifacts.RUN)
    evaluation, decision = run.path(artifacts.EVALUATION), Decision.from_json(run.read_json(artifacts.GATE))
    results, found = Results.load(evaluation), ResultsSummary.from_json(summary["results"])
    others = [method for method in results.scores if method != CHALLENGER]
    opponent = CHAMPION if CHAMPION in others else decision.opponent
    evaluated_from = spec.day(spec.split.evaluation)
    products = dataset(run).products(spec.split.evaluation)
    for name, step in FORMER_STUDIES.items():
        if (run.folder / name).exists():
            logger.info(
                f"{name} is of an earlier version: '.venv/bin/python -m ml {step} --run-id {run.run_id}' renews it."
            )
    return ReportFacts(
        run_id=run.run_id,
        folder=_relative(run.folder),
        spec=summary,
        evaluated_from=evaluated_from,
        evaluated_until=evaluated_from + timedelta(weeks=spec.config.training_windows.horizon, days=-1),
        results=found,
        ours=CHALLENGER,
        opponent=opponent,
        baseline=OWN_FREQUENCY,
        differences=results.differences(CHALLENGER, others, spec.seed),
        gate=decision,
        curves=_curves(run),
        source_contributions=read_part(evaluation, SOURCE_CONTRIBUTIONS),
        diversity_customers=min(CUSTOMERS, found.customers),
        sample_customers=[SampleCustomer.from_json(row) for row in read_part(evaluation, SAMPLE_CUSTOMERS)],
        list_changes=list_changes(
            pq.read_table(evaluation / artifacts.LISTS, filters=[("method", "in", [CHALLENGER, opponent])]),
            CHALLENGER,
            opponent,
            dict(zip(products.product_ids, products.names, strict=True)),
        ),
        slices=[Slice.from_json(row) for row in _optional(evaluation / SLICES) or ()],
        calibration={
            slate: SlateCalibration.from_json(row) for slate, row in (_optional(evaluation / CALIBRATION) or {}).items()
        },
        diversity={
            slate: [DiversityPoint.from_json(row) for row in rows]
            for slate, rows in (_optional(evaluation / DIVERSITY) or {}).items()
        },
        published=_optional(run.folder / artifacts.REGISTERED_MODEL),
        rankers=_optional(run.folder / artifacts.RANKERS),
        encoders=_optional(run.folder / artifacts.ENCODERS),
        standalone_sources=_optional(run.folder / artifacts.CANDIDATE_SOURCES),
        ablation=_optional(run.folder / artifacts.ABLATION),
        cold_start=_optional(run.folder / artifacts.COLD_START),
        new_items=_optional(run.folder / artifacts.NEW_ITEMS),
    )


def _baseline_facts(run: Run, because: str) -> BaselineFacts:
    spec, data = RunSpec.read(run), dataset(run)
    customers, _ = data.customers(spec.split.now)
    products = data.products(spec.split.now)
    buyers = products.activity[:, ACTIVITY.index("buyers_4w")]
    order = np.argsort(-buyers, kind="stable")[:POPULAR_PRODUCTS]
    return BaselineFacts(
        run_id=run.run_id,
        folder=_relative(run.folder),
        spec=spec.as_dict(),
        because=because,
        baseline=OWN_FREQUENCY,
        min_evaluated=load_policy().min_customers,
        windows=spec.config.training_windows,
        customers=len(customers),
        products=len(products.product_ids),
        popular=[
            PopularProduct(products.names[row] or f"product {products.product_ids[row]}", int(buyers[row]))
            for row in order
        ],
    )


def _optional(path: Path) -> Any:
    """Return the contents of a JSON file, or None if no step wrote it."""
    return json.loads(path.read_text()) if path.exists() else None


def _curves(run: Run) -> dict[str, list[dict[str, float]]]:
    """Return every learning curve by the trained model, one row per epoch: `retrieval_curve.json` → `retrieval`."""
    files = sorted(run.folder.glob("*_curve.json"), key=lambda file: (not file.name.startswith("retrieval"), file.name))
    return {file.name.removesuffix("_curve.json").replace("_", " "): json.loads(file.read_text()) for file in files}


def _relative(path: Path) -> str:
    """Return the path as one would type it from the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
