"""Statistics of experiments: check their error rates on the shop's own spend."""

import sys
from collections.abc import Sequence

from core.command import Commands
from experiments.check import command as check
from experiments.errors import ExperimentError
from settings import Settings, SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code of `core.command`."""
    commands = Commands[Settings]("experiments", __doc__, load_settings, (ExperimentError, SettingsError))
    check.add_arguments(commands.add("check", check.run, "measure how often verdicts about experiments are wrong"))
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
