"""Train Reach again from the run's data set by the same steps, so that its cost is measured like a peer's.

Its lists must equal those of the run, because the seed is the same.
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
    """Repeat every step except `build-dataset`: towers, candidates, every configured ranker, and the evaluation."""
    with TemporaryDirectory(prefix=".bench.", dir=data.run.folder) as folder:
        run = scratch_run(data.run, data.spec, Path(folder))
        train_retrieval(run)
        generate_candidates(run)
        for ranker in data.spec.config.ranking.rankers:
            train_ranker(run, ranker)
        select_ranker(run)
        # This data directory has no release, so no deployed version is evaluated.
        evaluate(load_settings().model_copy(update={"data": Path(folder)}), run)
        return lists_of(run.path(LISTS), CHALLENGER, data.window.truth, data.catalogue.index)
