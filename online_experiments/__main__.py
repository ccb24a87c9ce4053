"""Experiments of the service: check their files, start and stop them, and analyse what they changed."""

import sys
from collections.abc import Sequence
from importlib import import_module

from core.command import Commands
from experiments.errors import ExperimentError
from online_experiments.errors import OnlineExperimentError
from registry.errors import RegistryError
from settings import Settings, SettingsError, load_settings

COMMANDS = {
    "check": ("online_experiments.commands.check", "check an experiment's file without starting it"),
    "start": ("online_experiments.commands.start", "announce an experiment, which fixes its definition and begins it"),
    "stop": ("online_experiments.commands.stop", "end an experiment, so that its customers get the champion's lists"),
    "list": ("online_experiments.commands.status", "list the announced experiments"),
    "analyse": ("online_experiments.commands.analyse", "measure one experiment, or all that are announced"),
}
"""By the command's name: its module, with `add_arguments` and `run`, and the description for the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code of `core.command`."""
    errors = (OnlineExperimentError, ExperimentError, RegistryError, SettingsError)
    commands = Commands[Settings]("online_experiments", __doc__, load_settings, errors)
    for name, (module, description) in COMMANDS.items():
        command = import_module(module)
        command.add_arguments(commands.add(name, command.run, description))
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
