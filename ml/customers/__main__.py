"""The steps of the customer model, each by hand exactly as `score_customers` runs them.

Order: fit, register-model, then `python -m registry deploy --product customers`, and score.
"""

import argparse
import sys
from collections.abc import Sequence

from core.bundle_files import BundleError
from core.command import Commands, add_as_of
from features.errors import FeatureStoreError
from marketing.errors import MarketingError
from ml.customers import steps
from ml.customers.prune import prune
from ml.errors import MLError
from ml.runs.retention import load_retention
from ml.runs.run import Run
from registry.errors import RegistryError
from settings import Settings, SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit code of `core.command`."""
    errors = (MLError, MarketingError, FeatureStoreError, RegistryError, SettingsError, BundleError)
    commands = Commands[Settings]("ml.customers", __doc__, load_settings, errors)

    def run(settings: Settings, options: argparse.Namespace) -> Run:
        return Run(settings.paths.runs_of(steps.PRODUCT), options.run_id)

    fit = commands.add(
        "fit",
        lambda settings, options: steps.fit(settings, run(settings, options), options.as_of),
        "fit and evaluate every part on the published features, and write the report",
    )
    add_as_of(fit, "the day of the published features", required=True)
    register = commands.add(
        "register-model",
        lambda settings, options: steps.register_model(settings, run(settings, options)),
        "put the parts that may be published into the model store",
    )
    for command in (fit, register):
        command.add_argument("--run-id", required=True, help="names the run's folder below <data>/runs/customers")
    commands.add(
        "score",
        lambda settings, options: steps.score(settings),
        "write the champion's scores of all customers into the staging folder",
    )
    commands.add(
        "prune",
        lambda settings, options: prune(settings, load_retention()),
        "delete runs that ml/runs/retention.toml does not keep",
    )
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
