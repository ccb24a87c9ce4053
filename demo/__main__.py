"""`python -m demo up | down | status | manifest`: what the Makefile calls."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date

from demo.airflow import COMPONENTS, Airflow
from demo.dbt import write_manifest
from demo.errors import DemoError
from demo.processes import Programs, marked, memory
from demo.service import NAME, Service
from demo.timing import GIB
from demo.up import up
from settings import Settings, SettingsError, load_settings


def say(line: str) -> None:
    print(line, flush=True)


def status(settings: Settings) -> None:
    """Which programs run, and where."""
    programs = Programs(settings.data)
    for name in (*COMPONENTS, NAME):
        pid = programs.running(name)
        say(f"  {name:<14} {f'runs, process {pid}' if pid else 'stopped'}")
    if found := marked(settings.data):
        say(f"  {len(found)} processes hold {memory(found) / GIB:.2f} GiB")
        say(f"  Airflow {Airflow(settings, programs).url} · service {Service(settings, programs).url}")


def down(settings: Settings) -> None:
    """Stop everything that works for this data directory."""
    count = Programs(settings.data).stop_all()
    say(f"Stopped {count} processes." if count else "Nothing was running.")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start Airflow, build, train, deploy, start the service, ask it")
    start.add_argument("--as-of", type=date.fromisoformat, help="use only what was known before this day")
    start.add_argument("--force", action="store_true", help="build and train even if nothing has changed")
    commands.add_parser("down", help="stop Airflow, the service and every step")
    commands.add_parser("status", help="show what runs")
    commands.add_parser("manifest", help="let dbt describe its models for Airflow")
    chosen = parser.parse_args(arguments)
    try:
        settings = load_settings()
        if chosen.command == "up":
            as_of = chosen.as_of or settings.as_of
            up(settings, as_of.isoformat() if as_of else None, chosen.force, say)
        elif chosen.command == "down":
            down(settings)
        elif chosen.command == "status":
            status(settings)
        else:
            write_manifest(settings)
    except (DemoError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Airflow and its run go on; 'make down' stops them.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
