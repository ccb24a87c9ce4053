"""Decisions about customers, each by hand exactly as the service answers."""

import sys
from collections.abc import Sequence
from importlib import import_module

from core.command import Commands
from customer_scores.errors import ScoresError
from experiments.errors import ExperimentError
from features.errors import FeatureStoreError
from marketing.errors import MarketingError
from outbox.errors import OutboxError
from registry.errors import RegistryError
from settings import Settings, SettingsError, load_settings

COMMANDS = {
    "audience": (
        "marketing.audience.command",
        "order customers for products, a category or a coupon, or like others",
    ),
    "measure": ("marketing.measurement.command", "measure a campaign against its hold-out"),
    "past-campaigns": (
        "marketing.measurement.past_command",
        "list the landing's campaigns, whose effect is not identified",
    ),
    "offers": ("marketing.offers.command", "choose the coupons for each customer under a budget"),
    "campaign": ("marketing.campaigns.command", "check, plan and enqueue campaigns"),
    "segment": ("marketing.segments.command", "count the customers who match a filter"),
}
"""By the command's name: its module, with `add_arguments` and `run`, and the description for the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code of `core.command`."""
    errors = (
        *(MarketingError, FeatureStoreError, ScoresError, ExperimentError, OutboxError),
        *(RegistryError, SettingsError),
    )
    commands = Commands[Settings]("marketing", __doc__, load_settings, errors)
    named = next(iter(sys.argv[1:] if arguments is None else arguments), "")
    # Only the named command is imported: each of the others costs seconds, and the console starts commands for people.
    for name in [named] if named in COMMANDS else COMMANDS:
        module, description = COMMANDS[name]
        command = import_module(module)
        command.add_arguments(commands.add(name, command.run, description))
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
