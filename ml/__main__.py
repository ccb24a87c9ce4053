"""Run one step of training or evaluation, as Airflow does: `python -m ml <step> --help`.

Every step logs its progress and prints one JSON object as its last line; `core.command` has the exit codes.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

from core.command import Commands
from features.errors import FeatureStoreError
from marketing.errors import MarketingError
from ml.config import Config, load_config
from ml.errors import MLError, RunError
from ml.runs.not_enough_data import unless_not_enough_data
from ml.runs.run import Run
from registry.errors import RegistryError
from scoring.errors import ScoringError
from settings import Settings, SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step and return its exit code."""
    return _commands().run(arguments)


# Each step imports what it needs when it runs: TensorFlow takes ten seconds that most steps can save.


def _build_dataset(settings: Settings, args: argparse.Namespace) -> Any:
    with _feast_import():
        from ml.steps.build_dataset import build_dataset

    return build_dataset(
        settings, _config(settings, args), _run(settings, args), args.as_of, args.reason, args.shift_weeks
    )


def _train_retrieval(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.train_retrieval import train_retrieval

    run = _run(settings, args)
    return unless_not_enough_data(run, "train-retrieval", lambda: train_retrieval(run))


def _generate_candidates(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.generate_candidates import generate_candidates

    run = _run(settings, args)
    return unless_not_enough_data(run, "generate-candidates", lambda: generate_candidates(run))


def _train_ranker(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.train_ranker import train_ranker

    run = _run(settings, args)
    return unless_not_enough_data(run, "train-ranker", lambda: train_ranker(run, args.ranker))


def _select_ranker(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.select_ranker import select_ranker

    run = _run(settings, args)
    return unless_not_enough_data(run, "select-ranker", lambda: select_ranker(run, args.also))


def _evaluate(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.evaluate import evaluate

    run = _run(settings, args)
    return unless_not_enough_data(run, "evaluate", lambda: evaluate(settings, run))


def _gate(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.gate import gate

    return gate(_run(settings, args))


def _ablate(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.studies.ablation import ablate

    both = args.sources == args.feature_groups
    return ablate(_run(settings, args), args.sources or both, args.feature_groups or both, args.customers)


def _cold_start(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.studies.cold_start import cold_start

    return cold_start(_run(settings, args), args.customers)


def _sources(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.studies.candidate_sources import evaluate_sources

    return evaluate_sources(_run(settings, args))


def _new_items(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.studies.new_items import evaluate_new_items

    return evaluate_new_items(_run(settings, args))


def _gate_check(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.studies.gate_error_rates import gate_check

    replicate = None if args.replicate is None else Run(settings.paths.runs, args.replicate)
    return gate_check(Run(settings.paths.runs, args.run), replicate, args.comparisons)


def _register_model(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.register_model import register_model

    return register_model(settings, _run(settings, args), args.dry_run)


def _prune(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.runs.retention import load_retention
    from ml.steps.prune import prune

    return prune(settings, load_retention())


def _recommend(settings: Settings, args: argparse.Namespace) -> Any:
    if args.for_campaigns:
        with _feast_import():
            from ml.steps.recommend_for_campaigns import recommend_for_campaigns

        return recommend_for_campaigns(settings)
    if args.as_of is None or args.out is None:
        raise RunError("Give --as-of and --out, or --for-campaigns.")
    with _feast_import():
        from ml.steps.recommend import recommend

    return recommend(settings, args.as_of, args.slate, args.k, args.out)


def _backtest(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.whole_run import train_and_decide
    from ml.studies.backtest import backtest

    config = _config(settings, args).model_copy(update={"promotions_known_in_advance": not args.without_plans})
    return backtest(settings, config, args.as_of or _published(settings), args.origins, train_and_decide, args.seeds)


def _tune(settings: Settings, args: argparse.Namespace) -> Any:
    from ml.steps.whole_run import prepare_candidates

    try:
        from ml.studies.tuning import tune
    except ModuleNotFoundError as error:
        raise RunError(f"{error}. The study needs the dependency group 'tuning': 'make tune' adds it.") from error
    config = load_config(own=settings.models_config)
    ranker = args.ranker or config.ranking.rankers[0]
    as_of = args.as_of or _published(settings)
    return tune(settings, config, as_of, ranker, args.trials, args.timeout_minutes, args.write, prepare_candidates)


def _rankers(settings: Settings, args: argparse.Namespace) -> Any:
    return load_config(own=settings.models_config).ranking.rankers


def _feast_import() -> AbstractContextManager[None]:
    from features.feast_import import typeguard_disabled

    return typeguard_disabled()


def _config(settings: Settings, args: argparse.Namespace) -> Config:
    config = load_config(own=settings.models_config)
    if args.epochs is None:
        return config
    retrieval = config.retrieval.model_copy(update={"epochs": args.epochs})
    ranking = config.ranking.model_copy(update={"epochs": args.epochs})
    return config.model_copy(update={"retrieval": retrieval, "ranking": ranking})


def _published(settings: Settings) -> date:
    from features.publication import current_publication

    return current_publication(settings.paths.features).as_of


def _run(settings: Settings, args: argparse.Namespace) -> Run:
    return Run(settings.paths.runs, args.run_id)


def _commands() -> Commands[Settings]:
    errors = (MLError, ScoringError, FeatureStoreError, RegistryError, MarketingError, SettingsError)
    commands = Commands("ml", __doc__, load_settings, errors)

    def step(name: str, function: Callable[..., Any], description: str, of_run: bool = True) -> argparse.ArgumentParser:
        sub = commands.add(name, function, description)
        if of_run:
            sub.add_argument("--run-id", required=True, help="names the run's folder below <data>/runs")
        return sub

    build = step("build-dataset", _build_dataset, "training sets through Feast's point-in-time join")
    build.add_argument("--as-of", type=date.fromisoformat, required=True)
    build.add_argument("--epochs", type=int, help="instead of the configured numbers of epochs")
    build.add_argument("--reason", default="", help="why this run was started, kept in run.json")
    build.add_argument("--shift-weeks", type=int, default=0, help="evaluate an earlier window; 4: validation")
    step("train-retrieval", _train_retrieval, "train the two towers")
    step("generate-candidates", _generate_candidates, "candidates and features for the rankers")
    step("train-ranker", _train_ranker, "train one ranker").add_argument("--ranker", required=True)
    selected = step("select-ranker", _select_ranker, "keep the best of the trained rankers")
    selected.add_argument(
        "--also", action="append", default=[], metavar="RANKER",
        help="a ranker trained in this run that its configuration does not name; may be given several times",
    )  # fmt: skip
    step("evaluate", _evaluate, "evaluate the challenger, the champion and the baselines")
    step("gate", _gate, "decide whether the challenger may serve")
    step("register-model", _register_model, "register what the gate decided on in the model store").add_argument(
        "--dry-run", action="store_true"
    )
    step("prune", _prune, "delete what ml/runs/retention.toml does not keep of ended runs", of_run=False)
    ablation = step("ablate", _ablate, "measure what each source and feature group adds; both if neither is named")
    ablation.add_argument("--sources", action="store_true", help="switch off one candidate source after the other")
    ablation.add_argument("--feature-groups", action="store_true", help="shuffle one feature group after the other")
    ablation.add_argument("--customers", type=int, default=1000, help="a random sample of the evaluated ones")
    hidden = step("cold-start", _cold_start, "evaluate with histories truncated to a few baskets")
    hidden.add_argument("--customers", type=int, default=1000, help="a random sample of the evaluated ones")
    step("candidate-sources", _sources, "evaluate each candidate source by itself")
    step("new-items", _new_items, "evaluate products in their first week")
    check = step("gate-check", _gate_check, "the gate's own error rates, on a finished run's lists", of_run=False)
    check.add_argument("--run", default="latest", help="a finished run")
    check.add_argument("--replicate", help="a run of the same window with another seed, to compare with")
    check.add_argument("--comparisons", type=int, default=400, help="comparisons of equals; half as many of others")
    step("rankers", _rankers, "the configured rankers, as JSON", of_run=False)

    backtest = step("backtest", _backtest, "train, evaluate and decide at several earlier days", of_run=False)
    backtest.add_argument("--as-of", type=date.fromisoformat, help="default: the published features' day")
    backtest.add_argument("--origins", type=int, default=4, help="windows to evaluate, a horizon apart (default: 4)")
    backtest.add_argument("--seeds", type=int, default=1, help="train each origin with this many seeds (default: 1)")
    backtest.add_argument("--without-plans", action="store_true", help="hide promotions that were planned, not seen")
    backtest.add_argument("--epochs", type=int, help="instead of the configured numbers of epochs")

    tune = step("tune", _tune, "search for a better ranker on the validation window", of_run=False)
    tune.add_argument("--as-of", type=date.fromisoformat, help="default: the published features' day")
    tune.add_argument("--ranker", help="default: the first configured one")
    tune.add_argument("--trials", type=int, default=30, help="the study ends with this many (default: 30)")
    tune.add_argument("--timeout-minutes", type=float, default=60.0, help="or after this time (default: 60)")
    tune.add_argument("--write", action="store_true", help="write the study's summary to docs/tuning.json")

    recommend = step("recommend", _recommend, "the champion's lists for all customers", of_run=False)
    recommend.add_argument("--as-of", type=date.fromisoformat, help="the published features' day")
    recommend.add_argument("--slate", choices=["all", "explore"], default="all")
    recommend.add_argument("--k", type=int, default=100)
    recommend.add_argument("--out", type=Path, help="the Parquet file")
    recommend.add_argument(
        "--for-campaigns",
        action="store_true",
        help="write the lists that campaigns show, if they are not of the champion and the published features",
    )
    return commands


if __name__ == "__main__":
    sys.exit(main())
