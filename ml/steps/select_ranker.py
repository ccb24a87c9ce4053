"""Select the best of the trained rankers on the held-out training lists."""

import logging
import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.errors import NotEnoughDataError
from ml.ranking.ensemble import ENSEMBLE, write_ensemble
from ml.ranking.examples import TOO_FEW_LISTS, holdout_lists, load_examples
from ml.ranking.holdout_metrics import SELECTION_METRICS, holdout_metrics
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.bundle import RANKER
from scoring.models.ranker import Ranker

logger = logging.getLogger(__name__)


def select_ranker(run: Run, also: Sequence[str] = ()) -> dict[str, Any]:
    """Write `ranker/` with the best model in ONNX and `rankers.json` with the metrics of each.

    The best ranker has the greatest sum of both slates' NDCG. The evaluation window is not used.

    Args:
        run: A run with trained rankers.
        also: Rankers trained in this run that compete in addition to those of its configuration. Trained rankers that
            do not compete are named in the log and in `rankers.json`.

    Returns:
        The selected ranker and the rankers left out.

    Raises:
        NotEnoughDataError: No training list was held out.
    """
    spec, snapshots = RunSpec.read(run), load_examples(run, RunSpec.read(run))
    held_out = holdout_lists(snapshots, spec)
    competing = list(dict.fromkeys([*spec.config.ranking.rankers, *also]))
    trained = {name: run.path(artifacts.ranker_folder(name)) / RANKER for name in competing}
    left_out = sorted(set(_trained_in(run)) - set(competing))
    for name in left_out:
        logger.info(
            f"{name}: left out, because the run was prepared with {', '.join(spec.config.ranking.rankers)}. "
            f"'.venv/bin/python -m ml select-ranker --run-id {run.run_id} --also {name}' adds it."
        )
    if not held_out:
        raise NotEnoughDataError(TOO_FEW_LISTS)
    with run.publish_folder(artifacts.SELECTED_RANKER) as folder:
        if len(trained) > 1:
            trained[ENSEMBLE] = folder / "ensemble.onnx"
            write_ensemble([path for name, path in trained.items() if name != ENSEMBLE], trained[ENSEMBLE])
        scores = {name: holdout_metrics(snapshots, held_out, Ranker(path)) for name, path in trained.items()}
        best = max(scores, key=lambda name: np.nansum([scores[name][score] for score in SELECTION_METRICS]))
        for name, values in scores.items():
            metrics = ", ".join(f"{score} {values[score]:.4f}" for score in SELECTION_METRICS)
            logger.info(f"{name}: {metrics}{' (selected)' if name == best else ''}")
        (folder / RANKER).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(trained[best], folder / RANKER)
        (folder / "ensemble.onnx").unlink(missing_ok=True)
    record = {"chosen": best, "lists": len(held_out), "scores": scores, "left_out": left_out}
    run.write_json(artifacts.RANKERS, record)
    return {"ranker": best, "left_out": left_out}


def _trained_in(run: Run) -> list[str]:
    """Return the names of the rankers in the run's folder."""
    folder = artifacts.ranker_folder("")
    return [path.parent.parent.name.removeprefix(folder) for path in run.folder.glob(f"{folder}*/{RANKER}")]
