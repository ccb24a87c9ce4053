"""Let the trained rankers compete on the training lists held out, and keep the best."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.errors import NotEnoughData
from ml.ranking.ensemble import ENSEMBLE, write_ensemble
from ml.ranking.examples import Place, RankingExamples, parts
from ml.ranking.held_out import held_out_scores
from ml.runs import artifacts as places
from ml.runs.run import Run
from ml.runs.spec import Plan
from ml.steps.candidates import load_examples
from scoring.bundle import RANKER
from scoring.models.ranker import Ranker

CRITERION = ("all NDCG@10", "explore NDCG@20")


def choose_ranker(run: Run, also: Sequence[str] = ()) -> dict[str, Any]:
    """Leave `ranker/` with the best model in ONNX and `rankers.json` with what each one scored.

    Best is the greatest sum of the two slates' NDCG. The window that the system is judged on has no say.

    also: rankers trained in this run that compete besides those of the run's configuration. What was trained and does
        not compete is named in the log and in `rankers.json`.
    """
    plan, snapshots = Plan.read(run), load_examples(run, Plan.read(run))
    held_out = held_out_lists(snapshots, plan)
    competing = list(dict.fromkeys([*plan.config.ranking.rankers, *also]))
    trained = {name: run.path(places.ranker(name)) / RANKER for name in competing}
    left_out = sorted(set(_trained_in(run)) - set(competing))
    for name in left_out:
        print(
            f"{name}: left out, because the run was prepared with {', '.join(plan.config.ranking.rankers)}. "
            f"'.venv/bin/python -m ml choose-ranker --run-id {run.run_id} --also {name}' lets it compete.",
            flush=True,
        )
    if not held_out:
        raise NotEnoughData("Too few lists to train on: one customer bought something after the training snapshots.")
    with run.stage(places.CHOSEN) as folder:
        if len(trained) > 1:
            trained[ENSEMBLE] = folder / "ensemble.onnx"
            write_ensemble([path for name, path in trained.items() if name != ENSEMBLE], trained[ENSEMBLE])
        scores = {name: held_out_scores(snapshots, held_out, Ranker(path)) for name, path in trained.items()}
        best = max(scores, key=lambda name: np.nansum([scores[name][score] for score in CRITERION]))
        for name, values in scores.items():
            said = ", ".join(f"{score} {values[score]:.4f}" for score in CRITERION)
            print(f"{name}: {said}{' (chosen)' if name == best else ''}", flush=True)
        (folder / RANKER).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(trained[best], folder / RANKER)
        (folder / "ensemble.onnx").unlink(missing_ok=True)
    record = {"chosen": best, "lists": len(held_out), "scores": scores, "left_out": left_out}
    run.write_json(places.RANKERS, record)
    return {"ranker": best, "left_out": left_out}


def _trained_in(run: Run) -> list[str]:
    """Names of the rankers that the run's folder holds."""
    folder = places.ranker("")
    return [path.parent.parent.name.removeprefix(folder) for path in run.folder.glob(f"{folder}*/{RANKER}")]


def held_out_lists(snapshots: Sequence[RankingExamples], plan: Plan) -> list[Place]:
    """Training lists that no ranker of the run learned from."""
    return parts(snapshots, plan.config.ranking.held_out, np.random.default_rng(plan.seed))[1]


def chosen_ranker(run: Run) -> tuple[str, Path]:
    """The name and the model of the ranker that competes for serving."""
    return run.read_json(places.RANKERS)["chosen"], run.path(places.CHOSEN) / RANKER
