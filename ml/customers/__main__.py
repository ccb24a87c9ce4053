"""The steps of the customer model, each by hand exactly as a schedule would run them.

Order: build-dataset, train, gate, register-model. Then `python -m registry deploy --product churn`, and score.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from core.bundle_files import BundleError
from core.command import Commands, add_as_of
from features.errors import FeatureStoreError
from ml.customers import steps
from ml.customers.config import load_config
from ml.errors import MLError
from ml.runs.run import Run
from registry.errors import RegistryError
from settings import Settings, SettingsError, load_settings

Result = dict[str, Any] | None
Step = Callable[[Settings, Run, argparse.Namespace], Result]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit code of `core.command`."""
    errors = (MLError, FeatureStoreError, RegistryError, SettingsError, BundleError)
    commands = Commands[Settings]("ml.customers", __doc__, load_settings, errors)

    def add(name: str, step: Step, text: str) -> argparse.ArgumentParser:
        def run(settings: Settings, options: argparse.Namespace) -> Result:
            return step(settings, Run(settings.paths.runs_of(steps.PRODUCT), options.run_id), options)

        command = commands.add(name, run, text)
        command.add_argument("--run-id", required=True, help="names the run's folder below <data>/runs/churn")
        return command

    build = add(
        "build-dataset",
        lambda settings, run, options: steps.build_dataset(settings, load_config(), run, options.as_of),
        "read customers and outcomes at several points in time",
    )
    add_as_of(build, "the day of the published features", required=True)
    add(
        "train",
        lambda settings, run, options: steps.train(run, load_config()),
        "choose by the validation window and fit the model",
    )
    add(
        "gate",
        lambda settings, run, options: steps.gate(settings, run, load_config()),
        "score the evaluation window and decide whether the model may be registered",
    )
    add(
        "register-model",
        lambda settings, run, options: steps.register_model(settings, run),
        "put the model into the model store, if the gate let it through",
    )
    add(
        "score",
        lambda settings, run, options: steps.score_customers(settings, run),
        "write the champion's churn probability of every active customer",
    )
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
