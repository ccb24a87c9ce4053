"""Backtest with rolling origins: train, evaluate and let the gate decide as of several earlier days.

An origin is a run with `--shift-weeks`. The feature tables of one publication hold every snapshot as it was then, so an
earlier origin evaluates an earlier window and trains on the snapshots before it. Feature rows contain no later
purchases (dbt's test `no_feature_row_knows_anything_after_its_snapshot`), labels end before the evaluation window, and
the vocabulary is that of a training snapshot. Product content and customer demographics have no date, because the
landing tables have them once. Earlier origins have fewer snapshots to train on.

Training is random. With several seeds an origin runs once with each, and its figures are means over the seeds for each
customer, so the intervals are those of the mean model.
"""

import json
import logging
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from core.command import log_to_stdout
from features.publication import current_publication
from ml.config import Config
from ml.data.splits import Split, split
from ml.errors import NotEnoughDataError
from ml.evaluation.baselines import OWN_FREQUENCY, POPULARITY
from ml.evaluation.evaluated_run import CHALLENGER
from ml.evaluation.results import Results
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from settings import Settings

logger = logging.getLogger(__name__)

SUMMARY = "backtest.json"
SCORES = ("all NDCG@10", "all Recall@20", "repeat Recall@20", "explore NDCG@20", "explore Recall@100")


TrainAndDecide = Callable[[Settings, Config, Run, date, str, int], None]
"""Runs every step of a run: settings, configuration, run, features' day, reason, weeks earlier."""


class BacktestRun(Run):
    """Run an origin of the backtest, which never becomes the latest run."""

    def make_latest(self) -> None:
        """Keep the link `latest` unchanged."""


def backtest(
    settings: Settings, config: Config, as_of: date, origins: int, train_and_decide: TrainAndDecide, seeds: int = 1
) -> dict[str, Any]:
    """Run every origin that has no decision yet, a horizon apart, and write `runs/backtest.json`.

    Each origin and seed has a folder `runs/backtest-<as_of>-<shift>w-seed<seed>/`, with `-without-plans` if the
    configuration hides planned promotions. An origin without enough data is reported as such.

    Args:
        settings: The settings of the installation.
        config: The configuration of the runs.
        as_of: Day of the published features.
        origins: Number of windows.
        train_and_decide: Runs every step of a run.
        seeds: Number of seeds per origin: the configured seed and those after it.

    Returns:
        The number of origins, and by score whether the system is better at every origin.

    Raises:
        NotEnoughDataError: No origin has enough data.
    """
    if origins < 1 or seeds < 1:
        raise NotEnoughDataError(f"A backtest needs at least one origin and one seed, not {origins} and {seeds}.")
    instants = settings.snapshot_instants(as_of)
    found = []
    for shift in range(0, origins * config.training_windows.horizon, config.training_windows.horizon):
        try:
            cuts = split(instants, config.training_windows, shift)
        except NotEnoughDataError as error:
            logger.info(f"{shift} weeks earlier: {error}")
            found.append({"shift_weeks": shift, "not_enough_data": str(error)})
            continue
        runs, missing = [], ""
        for seed in range(settings.seed, settings.seed + seeds):
            seeded = settings.model_copy(update={"seed": seed})
            plans = "" if config.promotions_known_in_advance else "-without-plans"
            runs.append(BacktestRun(settings.paths.runs, f"backtest-{as_of}-{shift:02}w-seed{seed}{plans}"))
            if is_done(seeded, config, runs[-1], cuts):
                logger.info(f"{runs[-1].run_id}: already finished")
            else:
                logger.info(f"{runs[-1].run_id}: {len(cuts.retrieval)} + {len(cuts.ranker)} training snapshots")
                try:
                    _run_in_new_process(train_and_decide, seeded, config, as_of, runs[-1].run_id, shift)
                except NotEnoughDataError as error:
                    missing = str(error)
                    logger.info(f"{shift} weeks earlier: {missing}")
                    break
        found.append({"shift_weeks": shift, "not_enough_data": missing} if missing else origin_summary(runs, shift))
    if all("not_enough_data" in origin for origin in found):
        raise NotEnoughDataError(found[0]["not_enough_data"])
    summary = {
        "as_of": as_of.isoformat(),
        "origins": found,
        "better_at_every_origin": better_at_every_origin(found),
    }
    Run(settings.paths.runs.parent, settings.paths.runs.name).write_json(SUMMARY, summary)
    logger.info(table(found))
    return {"origins": len(found), "better_at_every_origin": summary["better_at_every_origin"]}


def is_done(settings: Settings, config: Config, run: Run, cuts: Split) -> bool:
    """Return whether the gate decided on this origin with this configuration, seed and these features."""
    if not all((run.folder / name).exists() for name in (artifacts.GATE, artifacts.RUN_SPEC)):
        return False
    features = current_publication(settings.paths.features).name
    wanted = {"config": config.model_dump(), "seed": settings.seed, "features": features, "evaluation": cuts.evaluation}
    # As JSON, because this code may not be able to parse the specification of older code.
    spec = run.read_json(artifacts.RUN_SPEC)
    spec["evaluation"] = spec["split"]["evaluation"]
    return bool({name: spec[name] for name in wanted} == json.loads(json.dumps(wanted, default=str)))


def run_origin(
    train_and_decide: TrainAndDecide, settings: Settings, config: Config, as_of: date, run_id: str, shift: int
) -> None:
    """Run all steps of one origin, as Airflow would run them."""
    log_to_stdout()  # a new process starts without the command's logging
    run = BacktestRun(settings.paths.runs, run_id)
    (run.folder / artifacts.GATE).unlink(missing_ok=True)  # a decision is only valid for the run that made it
    train_and_decide(settings, config, run, as_of, f"backtest, {shift} weeks earlier", shift)


def _run_in_new_process(
    train_and_decide: TrainAndDecide, settings: Settings, config: Config, as_of: date, run_id: str, shift: int
) -> None:
    """Run one origin in a new process.

    TensorFlow does not return memory, and a new process gives the same weights whatever ran before.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(run_origin, train_and_decide, settings, config, as_of, run_id, shift).result()


def origin_summary(runs: Sequence[Run], shift: int) -> dict[str, Any]:
    """Summarise an origin's finished runs: mean scores, the lead over each baseline, the decisions."""
    spec, results = RunSpec.read(runs[0]), mean_results([Results.load(run.path(artifacts.EVALUATION)) for run in runs])
    decisions = [run.read_json(artifacts.GATE) for run in runs]
    evaluated_from = spec.day(spec.split.evaluation)
    means = {name: values["means"] for name, values in results.summary(spec.seed)["methods"].items()}
    return {
        "run_ids": [run.run_id for run in runs],
        "shift_weeks": shift,
        "judged_from": evaluated_from.isoformat(),
        "judged_until": (evaluated_from + timedelta(weeks=spec.config.training_windows.horizon, days=-1)).isoformat(),
        "training_snapshots": {"retrieval": len(spec.split.retrieval), "ranker": len(spec.split.ranker)},
        "promotions_known_in_advance": spec.config.promotions_known_in_advance,
        "customers": len(results.customer_ids),
        "candidates": results.candidate_recall,
        "means": means,
        "lead": {
            rule: {score: asdict(estimate) for score, estimate in found.items()}
            for rule, found in results.differences(CHALLENGER, (OWN_FREQUENCY, POPULARITY), spec.seed).items()
        },
        "publish": [decision["publish"] for decision in decisions],
        "reasons": [decision["reasons"] for decision in decisions],
    }


def mean_results(seeds: Sequence[Results]) -> Results:
    """Average the results of one window's runs: each customer's score, and the candidates' recall."""
    first = seeds[0]
    scores = {
        method: {name: np.mean([results.scores[method][name] for results in seeds], axis=0) for name in named}
        for method, named in first.scores.items()
        if all(method in results.scores for results in seeds)
    }
    candidate_recall = {
        name: float(np.mean([results.candidate_recall[name] for results in seeds])) for name in first.candidate_recall
    }
    return replace(first, scores=scores, candidate_recall=candidate_recall)


def better_at_every_origin(found: list[dict[str, Any]]) -> dict[str, bool]:
    """Return by score whether the interval of the lead over decayed own frequency is above zero at every origin."""
    evaluated = [origin for origin in found if "lead" in origin]
    return {
        score: bool(evaluated) and all(origin["lead"][OWN_FREQUENCY][score]["low"] > 0 for origin in evaluated)
        for score in SCORES
    }


def table(found: list[dict[str, Any]]) -> str:
    """Return a block of text per origin: each score of the system and the baselines, and the paired lead."""
    lines = []
    for origin in found:
        if "not_enough_data" in origin:
            lines.append(f"{origin['shift_weeks']:>2} weeks earlier: not enough data. {origin['not_enough_data']}")
            continue
        snapshots, methods = origin["training_snapshots"], (CHALLENGER, OWN_FREQUENCY, POPULARITY)
        lines.append(
            f"{origin['judged_from']} to {origin['judged_until']}: {origin['customers']:,} customers, trained on "
            f"{snapshots['retrieval']} + {snapshots['ranker']} snapshots, "
            f"{'mailers known' if origin['promotions_known_in_advance'] else 'mailers not known'}, "
            f"published with {sum(origin['publish'])} of {len(origin['publish'])} seeds"
        )
        candidate_recall = ", ".join(f"{name} {value:.3f}" for name, value in origin["candidates"].items())
        lines.append(f"  candidates: {candidate_recall}")
        lines.append(" ".ljust(20) + "".join(name.rjust(24) for name in methods) + "lead over own frequency".rjust(34))
        for score in SCORES:
            lead = origin["lead"][OWN_FREQUENCY][score]
            interval = f"{lead['mean']:+.4f} [{lead['low']:+.4f}, {lead['high']:+.4f}]"
            means = "".join(f"{origin['means'][name][score]:24.4f}" for name in methods)
            lines.append(f"  {score}".ljust(20) + means + interval.rjust(34))
    return "\n".join(lines)
