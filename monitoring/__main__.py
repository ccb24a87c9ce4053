"""Watch the installation: `python -m monitoring check | alarms | false-alarms | planted`."""

import argparse
import sys

from core.command import Commands
from monitoring.check import check
from monitoring.errors import MonitoringError
from monitoring.policy import load_policy
from monitoring.replay import false_alarms, planted_defects
from monitoring.result import require_quiet
from settings import Settings, SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code of the process."""
    commands = Commands("monitoring", __doc__, load_settings, (MonitoringError, SettingsError))
    commands.add("check", _check, "measure every watch, and write alarms to monitoring/current.json")
    commands.add("alarms", _alarms, "fail if the newest check raised alarms, with one line for each")
    commands.add("false-alarms", _false_alarms, "count the alarms in the shop's history")
    planted = commands.add("planted", _planted, "plant defects in the shop's history and count those that are found")
    planted.add_argument("--draws", type=int, default=50, help="defects of each kind")
    return commands.run(arguments)


def _check(settings: Settings, _: argparse.Namespace) -> object:
    return check(settings, load_policy(settings.monitoring_policy))


def _alarms(settings: Settings, _: argparse.Namespace) -> object:
    return {"checked_at": require_quiet(settings.paths.monitoring)["checked_at"]}


def _false_alarms(settings: Settings, _: argparse.Namespace) -> object:
    return false_alarms(settings, load_policy(settings.monitoring_policy))


def _planted(settings: Settings, options: argparse.Namespace) -> object:
    return planted_defects(settings, load_policy(settings.monitoring_policy), options.draws, settings.seed)


if __name__ == "__main__":
    sys.exit(main())
