"""Run several steps of a run in one process, for the studies that train."""

from datetime import date

from ml.config import Config
from ml.runs import artifacts
from ml.runs.not_enough_data import require_enough_data
from ml.runs.run import Run
from settings import Settings

# Each function imports the steps when it runs, because TensorFlow takes ten seconds to import.


def prepare_candidates(settings: Settings, config: Config, run: Run, as_of: date, reason: str, shift: int) -> None:
    """Run every step before the rankers.

    Args:
        settings: The settings of the installation.
        config: The configuration of the run.
        run: The run's folder.
        as_of: The day of the features.
        reason: Why the run was started.
        shift: How many weeks earlier the evaluation window lies.

    Raises:
        NotEnoughDataError: There is too little to train on.
    """
    from ml.steps.build_dataset import build_dataset
    from ml.steps.generate_candidates import generate_candidates
    from ml.steps.train_retrieval import train_retrieval

    build_dataset(settings, config, run, as_of, reason, shift)
    require_enough_data(run)
    train_retrieval(run)
    generate_candidates(run)


def train_and_decide(settings: Settings, config: Config, run: Run, as_of: date, reason: str, shift: int) -> None:
    """Run every step up to the gate, as Airflow would, and delete the candidates afterwards.

    The arguments and errors are those of `prepare_candidates`.
    """
    from ml.steps.evaluate import evaluate
    from ml.steps.gate import gate
    from ml.steps.prune import delete_part
    from ml.steps.select_ranker import select_ranker
    from ml.steps.train_ranker import train_ranker

    prepare_candidates(settings, config, run, as_of, reason, shift)
    for ranker in config.ranking.rankers:
        train_ranker(run, ranker)
    select_ranker(run)
    evaluate(settings, run)
    gate(run)
    delete_part(run.path(artifacts.CANDIDATES))  # 2 GB with the demo's data, which no later step reads
