"""The steps of the customer model, each by hand exactly as `score_customers` runs them.

Order: fit, register-model, then `python -m registry deploy --product customers`, and score.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from core.command import Commands, add_as_of
from core.files.bundle import BundleError
from features.errors import FeatureStoreError
from marketing.errors import MarketingError
from ml.errors import MLError
from registry.errors import RegistryError
from settings import Settings, SettingsError, load_settings

# Each step imports what it needs when it runs: a process that fits one part imports this module, too.


def _fit(settings: Settings, options: argparse.Namespace) -> Any:
    from ml.customers import steps

    return steps.fit(settings, steps.run_of(settings, options.run_id), options.as_of)


def _register_model(settings: Settings, options: argparse.Namespace) -> Any:
    from ml.customers import steps

    return steps.register_model(settings, steps.run_of(settings, options.run_id))


def _score(settings: Settings, options: argparse.Namespace) -> Any:
    from ml.customers import steps

    return steps.score(settings)


def _prune(settings: Settings, options: argparse.Namespace) -> Any:
    from ml.customers.prune import prune
    from ml.runs.retention import load_retention

    return prune(settings, load_retention())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit code of `core.command`."""
    errors = (MLError, MarketingError, FeatureStoreError, RegistryError, SettingsError, BundleError)
    commands = Commands[Settings]("ml.customers", __doc__, load_settings, errors)

    fit = commands.add("fit", _fit, "fit and evaluate every part on the published features, and write the report")
    add_as_of(fit, "the day of the published features", required=True)
    register = commands.add(
        "register-model", _register_model, "put the parts that may be published into the model store"
    )
    for command in (fit, register):
        command.add_argument("--run-id", required=True, help="names the run's folder below <data>/runs/customers")
    commands.add("score", _score, "write the champion's scores of all customers into the staging folder")
    commands.add("prune", _prune, "delete runs that ml/runs/retention.toml does not keep")
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
