"""Search for a better ranker on the validation window, within a budget; a study can be continued at any time.

The window is one horizon before the reported one (`build-dataset --shift-weeks <horizon>`), so no reported score is
used. Towers and candidates are made once, and a trial trains one ranker on them. Optuna's TPE proposes parameters. Its
MedianPruner ends a trial whose epoch is worse than the median of earlier trials at that epoch. The configuration in
`config.toml` is the first trial, so the best one cannot be worse. The run's folder, `runs/tune-<as_of>/`, has the study
as SQLite and the validation candidates.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from ml.config import Config
from ml.data.splits import split
from ml.errors import DivergenceError, NotEnoughDataError
from ml.evaluation.evaluated_run import EvaluatedRun, retriever_with
from ml.evaluation.ground_truth import GroundTruth, RankedLists, Slates, evaluate_lists
from ml.metrics import DEPTH, mean
from ml.ranking.examples import load_examples
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.bundle import VOCABULARY
from scoring.models.ranker import SLATES
from scoring.rank_features import cross_features
from scoring.vocabulary import Vocabulary
from settings import ROOT, Settings

logger = logging.getLogger(__name__)

OBJECTIVE = ("all NDCG@10", "explore Recall@100")
"""Scores whose sum is maximised. The smallest detectable difference is about .004 on either, so the noise of one does
not hide the other."""

SPACE: dict[str, BaseDistribution] = {
    "epochs": IntDistribution(1, 6),
    "learning_rate": FloatDistribution(2e-4, 5e-3, log=True),
    "customers_per_batch": IntDistribution(8, 32, step=8),
    "embedding": IntDistribution(4, 16, step=4),
    "softmax_loss_weight": FloatDistribution(0.0, 1.0),
}
"""The searched parameters, by their names in `RankingConfig`."""

PrepareCandidates = Callable[[Settings, Config, Run, date, str, int], None]
"""Runs the steps before the rankers: settings, configuration, run, features' day, reason, weeks earlier."""

AfterEpoch = Callable[[int, Any], None]
"""Called with the number of the epoch and the model."""

SUMMARY = ROOT / "docs" / "tuning.json"


def tune(
    settings: Settings,
    config: Config,
    as_of: date,
    ranker: str,
    trials: int,
    minutes: float,
    write: bool,
    prepare_candidates: PrepareCandidates,
) -> dict[str, Any]:
    """Continue the study until it has `trials` finished trials or `minutes` are over, and log the best as TOML.

    Args:
        settings: The settings of the installation.
        config: The configuration; its section `[ranking]` is the first trial.
        as_of: Day of the published features.
        ranker: The ranker's file in `ml/ranking/models/`.
        trials: Finished trials of the whole study.
        minutes: Budget of this call.
        write: Also write the summary to docs/tuning.json.
        prepare_candidates: Runs the steps before the rankers.

    Returns:
        The study's name, its trials, and the current and the best parameters.

    Raises:
        NotEnoughDataError: No trial finished within the budget.
    """
    run, started = Run(settings.paths.runs, f"tune-{as_of}"), time.monotonic()
    spec = _prepared(settings, config, run, as_of, prepare_candidates)
    validation = RankerValidation.of(run, spec)
    study, examples = open_study(run.folder / "study.db", ranker, spec), load_examples(run, spec)
    vocabulary = Vocabulary.load(run.path(artifacts.RETRIEVAL) / VOCABULARY)

    def train(parameters: dict[str, Any], after_epoch: AfterEpoch) -> None:
        from ml.ranking import train as trainer  # TensorFlow

        changed = config.ranking.model_copy(update=parameters)
        with TemporaryDirectory() as logs:
            trainer.train(ranker, examples, vocabulary, changed, spec.seed, Path(logs), after_epoch)

    while (missing := trials - finished(study)) > 0 and (left := minutes * 60 - (time.monotonic() - started)) > 0:
        logger.info(f"{missing} trials and {left / 60:.0f} minutes left")
        try_one(study, train, validation.scores)
    if not study.get_trials(states=[TrialState.COMPLETE]):
        raise NotEnoughDataError(f"No trial finished within {minutes:g} minutes. Run the command again to continue.")
    result = summary(study, spec, ranker)
    logger.info(toml(result["best"]["parameters"]))
    if write:
        SUMMARY.write_text(json.dumps(result, indent=2) + "\n")
    return {key: result[key] for key in ("study", "trials", "current", "best")}


def open_study(path: Path, ranker: str, spec: RunSpec) -> optuna.Study:
    """Open the study of this ranker on these features; a new one starts with the configuration of the run.

    Another publication, another seed, or another configuration of the steps before the ranker has its own study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    before = json.dumps(spec.config.model_dump(exclude={"ranking": set(SPACE)}), sort_keys=True)
    study = optuna.create_study(
        study_name=f"{ranker} {spec.features} seed {spec.seed} {hashlib.sha256(before.encode()).hexdigest()[:8]}",
        storage=f"sqlite:///{path}",
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
    )
    # A continued study must not draw its first proposals again.
    study.sampler = optuna.samplers.TPESampler(seed=spec.seed + len(study.trials), n_startup_trials=8)
    for trial in study.get_trials(states=[TrialState.RUNNING]):  # its process was killed
        study.tell(trial.number, state=TrialState.FAIL)
    if not study.trials:
        study.enqueue_trial({name: getattr(spec.config.ranking, name) for name in SPACE})
    return study


def finished(study: optuna.Study) -> int:
    """Return the number of completed and pruned trials; a failed one is repeated."""
    return len(study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED]))


def try_one(
    study: optuna.Study, train: Callable[[dict[str, Any], AfterEpoch], None], scores: Callable[[Any], dict[str, float]]
) -> None:
    """Run one trial: train with the proposed parameters, evaluate every epoch, and stop if the pruner decides so."""
    trial, found = study.ask(SPACE), dict[str, float]()

    def after_epoch(epoch: int, model: Any) -> None:
        found.update(scores(model))
        trial.report(value_of(found), epoch)
        logger.info(f"  trial {trial.number}: " + ", ".join(f"{name} {found[name]:.4f}" for name in OBJECTIVE))
        if trial.should_prune():
            raise optuna.TrialPruned

    logger.info(f"trial {trial.number}: {trial.params}")
    try:
        train(trial.params, after_epoch)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    except DivergenceError as error:
        logger.info(error)
        study.tell(trial, state=TrialState.PRUNED)
    else:
        trial.set_user_attr("scores", found)
        study.tell(trial, value_of(found))


def value_of(scores: Mapping[str, float]) -> float:
    """Return the value that the study maximises."""
    return sum(scores[name] for name in OBJECTIVE)


def summary(study: optuna.Study, spec: RunSpec, ranker: str) -> dict[str, Any]:
    """Summarise the study for readers and for docs/tuning.json."""
    first = study.trials[0]
    return {
        "study": ranker,
        "date": datetime.now(UTC).date().isoformat(),
        "objective": " + ".join(OBJECTIVE),
        "window": [spec.day(spec.split.evaluation).isoformat(), f"{spec.config.training_windows.horizon} weeks"],
        "features": spec.features,
        "trials": {
            state.name.lower(): len(study.get_trials(states=[state]))
            for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        },
        "current": {"value": first.value, "parameters": first.params, **first.user_attrs},
        "best": {"value": study.best_value, "parameters": study.best_params, **study.best_trial.user_attrs},
    }


def toml(parameters: dict[str, Any]) -> str:
    """Return the lines for `ml/config.toml`."""
    return "\n".join(["[ranking]", *(f"{name} = {json.dumps(value)}" for name, value in parameters.items())])


def _prepared(
    settings: Settings, config: Config, run: Run, as_of: date, prepare_candidates: PrepareCandidates
) -> RunSpec:
    """Prepare towers and candidates of the validation window, unless data, seed and configuration are unchanged."""
    from features.publication import current_publication

    shift = config.training_windows.horizon
    cuts = split(settings.snapshot_instants(as_of), config.training_windows, shift)
    features = current_publication(settings.paths.features).name
    wanted = RunSpec(run.run_id, as_of, settings.seed, "tuning", features, config, cuts)
    marker = run.folder / "prepared.json"
    fields = json.loads(json.dumps(wanted.as_dict(), default=str))
    for name in SPACE:
        fields["config"]["ranking"].pop(name)
    pruned = not (run.folder / artifacts.CANDIDATES).exists()
    if pruned or not marker.exists() or json.loads(marker.read_text()) != fields:
        marker.unlink(missing_ok=True)
        prepare_candidates(settings, config, run, as_of, wanted.reason, shift)
        run.write_json(marker.name, fields)
    return RunSpec.read(run)


@dataclass(frozen=True)
class RankerValidation:
    """Hold the candidates of the evaluated customers with their features, and the purchases.

    Attributes:
        numeric: Numeric features, float32 `[rows, len(NUMERIC)]`.
        categorical: Vocabulary numbers, int32 `[rows, len(CATEGORICAL)]`.
        positions: Catalogue indices, `[rows]`.
        is_repeat: Whether the customer bought the product before, bool `[rows]`.
        popularity: Buyers of the product, which break ties, `[rows]`.
        ends: Row after each customer's last candidate, `[customers]`.
        truth: Purchases of the customers.
    """

    numeric: np.ndarray
    categorical: np.ndarray
    positions: np.ndarray
    is_repeat: np.ndarray
    popularity: np.ndarray
    ends: np.ndarray
    truth: GroundTruth

    @classmethod
    def of(cls, run: Run, spec: RunSpec) -> "RankerValidation":
        """Generate the candidates of the validation window once."""
        evaluated = EvaluatedRun.at_snapshot(run)
        catalogue = evaluated.catalogue()
        window = evaluated.evaluation_set(catalogue)
        numeric, categorical, positions, own = [], [], [], []
        for block, gathered in retriever_with(run, spec, catalogue).candidates(window.customers):
            for row, found in enumerate(gathered):
                features = cross_features(block, row, found)
                numeric.append(features[0])
                categorical.append(features[1])
                positions.append(found.positions)
                own.append(found.is_repeat)
        flat = np.concatenate(positions)
        ends = np.cumsum([len(rows) for rows in positions])
        parts = np.concatenate(numeric), np.concatenate(categorical), flat, np.concatenate(own)
        return cls(*parts, catalogue.popularity[flat], ends, window.truth)

    def scores(self, model: Any) -> dict[str, float]:
        """Evaluate a ranker in its present state.

        Args:
            model: A Keras model from features to one column of scores per slate.

        Returns:
            The mean of every metric.
        """
        size = 16_384
        chunks = [slice(start, start + size) for start in range(0, len(self.positions), size)]
        values = np.concatenate([np.asarray(model(self.numeric[c], self.categorical[c])) for c in chunks])
        scores = evaluate_lists(self.truth, self.slates(values))
        return {name: mean(found) for name, found in scores.items()}

    def slates(self, values: np.ndarray) -> Slates:
        """Rank the candidates by `values` `[rows, len(SLATES)]`, with ties as in `scoring.recommender`."""
        lists: Slates = {}
        for column, slate in enumerate(SLATES):
            best, scores = [], []
            for begin, end in zip([0, *self.ends[:-1]], self.ends, strict=True):
                rows = np.arange(begin, end)
                if slate == "explore":
                    rows = rows[~self.is_repeat[rows]]
                score = values[rows, column]
                order = np.lexsort((self.positions[rows], -self.popularity[rows], -score))[:DEPTH]
                best.append(self.positions[rows[order]])
                scores.append(score[order])
            lists[slate] = RankedLists.of(best, scores)
        return lists
