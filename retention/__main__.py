"""`python -m retention prune | airflow-before`: what the last task of a DAG calls, and `make prune`."""

import argparse
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retention.errors import RetentionError
from retention.policy import load_policy
from retention.prune import prune
from settings import SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code of the process."""
    parser = argparse.ArgumentParser(prog="python -m retention", description="Keep the data directory from growing.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prune", help="delete what the policy no longer keeps (retention/policy.toml)")
    commands.add_parser("airflow-before", help="print the instant before which Airflow's history may go")
    chosen = parser.parse_args(arguments)
    try:
        policy, paths = load_policy(), load_settings().paths
        if chosen.command == "airflow-before":
            print((datetime.now(UTC) - timedelta(days=policy.airflow_days)).isoformat(timespec="seconds"))
            return 0
        # In production Airflow has a home of its own; on one machine it lies in the data directory.
        home = Path(os.environ.get("AIRFLOW_HOME") or paths.airflow)
        freed = prune(paths, home / "logs", policy, lambda line: print(line, flush=True))
        print(json.dumps({"freed": freed}))
    except (RetentionError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or 'a file'} cannot be deleted: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
