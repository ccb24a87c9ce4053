"""Reach itself, trained again from the run's data set by the run's own steps, so that its cost is measured like a
peer's. Its lists must be those of the run: the same seed gives the same lists.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers.data import PeerData
from benchmarks.run_files import lists_of, scratch_run
from ml.evaluation.evaluated_run import CHALLENGER
from ml.evaluation.ground_truth import Slates
from ml.runs.artifacts import LISTS
from ml.steps.evaluate import evaluate
from ml.steps.generate_candidates import generate_candidates
from ml.steps.select_ranker import select_ranker
from ml.steps.train_ranker import train_ranker
from ml.steps.train_retrieval import train_retrieval
from settings import load_settings


def fit_and_list(data: PeerData) -> Slates:
    """Towers, candidates, every configured ranker and the judged lists; only `build-dataset` is not repeated."""
    with TemporaryDirectory(prefix=".bench.", dir=data.run.folder) as folder:
        run = scratch_run(data.run, data.spec, Path(folder))
        train_retrieval(run)
        generate_candidates(run)
        for ranker in data.spec.config.ranking.rankers:
            train_ranker(run, ranker)
        select_ranker(run)
        # No deployed version is judged beside it: a data directory without a release has none.
        evaluate(load_settings().model_copy(update={"data": Path(folder)}), run)
        return lists_of(run.path(LISTS), CHALLENGER, data.window.truth, data.catalogue.index)
