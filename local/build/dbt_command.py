"""`make dbt`: dbt by hand, with the variables, folders and environment that a run of Airflow gives it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from local.build.dbt_manifest import PROJECT
from local.errors import ProcessFailedError, WarehouseBusyError
from settings import ROOT, Settings

# dbt's commands that neither open the warehouse nor need a day.
WITHOUT_WAREHOUSE = ("parse", "ls", "list", "deps", "clean", "--version", "--help")


def run_dbt(settings: Settings, arguments: Sequence[str]) -> int:
    """Run one dbt command on this data directory and return its exit code.

    Raises:
        WarehouseBusyError: another process holds the warehouse.
        ProcessFailedError: no tables are admitted.
    """
    paths = settings.paths
    # Folders of its own: Airflow may be reading the manifest next to them.
    target = paths.dbt_target / ("docs" if arguments[:1] == ["docs"] else "by_hand")
    options = {
        "--project-dir": PROJECT,
        "--profiles-dir": PROJECT,
        "--target-path": target,
        "--log-path": paths.dbt_target / "logs",
    }
    command = [str(Path(sys.executable).with_name("dbt")), *arguments]
    if not set(WITHOUT_WAREHOUSE) & set(arguments):
        if "--vars" not in arguments:
            command += ["--vars", _variables(settings)]
        _require_free(paths.warehouse)
        for folder in (paths.warehouse.parent, paths.staged_features):
            folder.mkdir(parents=True, exist_ok=True)
        # Spill files of a killed build.
        shutil.rmtree(paths.warehouse.parent / "tmp", ignore_errors=True)
    command += [str(word) for option, path in options.items() if option not in arguments for word in (option, path)]
    environment = {**os.environ, "REACH_DATA": str(settings.data), "DO_NOT_TRACK": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _variables(settings: Settings) -> str:
    """Return the variables of the admitted day as JSON."""
    try:
        as_of = json.loads((settings.paths.admitted / "manifest.json").read_text())["as_of"]
    except FileNotFoundError:
        raise ProcessFailedError(
            f"Nothing is admitted in {settings.paths.admitted}, so dbt has no tables to read. Run 'make demo' first, "
            "or '.venv/bin/python -m landing admit' for the tables alone."
        ) from None
    done = subprocess.run(
        [sys.executable, "-m", "landing", "dbt-vars", "--as-of", as_of],
        cwd=ROOT,
        env={**os.environ, "REACH_DATA": str(settings.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ProcessFailedError(f"The variables of dbt cannot be had: {done.stderr.strip()}")
    print(f"dbt uses rows known before {as_of}", flush=True)
    return done.stdout.splitlines()[-1]


def _require_free(warehouse: Path) -> None:
    """Check that no other process holds the warehouse, because dbt would end with a stack trace."""
    if not warehouse.exists():
        return
    try:
        duckdb.connect(str(warehouse)).close()
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise ProcessFailedError(f"The warehouse {warehouse} cannot be opened: {error}") from error
        raise WarehouseBusyError(
            f"Another process has the warehouse {warehouse} open: a build is under way, or a program reads it. "
            "Try again when it has ended. Published features can be read at any time in features/current."
        ) from None
