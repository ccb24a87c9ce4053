"""A real Airflow on loopback: scheduler, DAG processor, API server with the UI.

Started one by one rather than by `airflow standalone`, whose log servers listen on every interface; on one
machine the API server reads the log files itself. No task of Reach waits in a triggerer, so none is started.
"""

import contextlib
import json
import os
import secrets
import shlex
import sqlite3
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.effective import differences, effective
from local.errors import NotReadyError, NotRunningError, ProcessFailedError
from local.private_file import write_private
from local.processes import Programs, require_free_port
from retention.policy import load_policy
from retention.space import MIB
from settings import ROOT, Settings

COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
}
USER = "admin"
SECONDS_TO_START = 240
SECONDS_BETWEEN_CLEANINGS = 7 * 24 * 3600
# Runs and what belongs to them. Events of assets stay: a retraining looks up the newest features there.
CLEANED_TABLES = "dag_run,task_instance,task_instance_history,xcom,log,job"


def secrets_of(home: Path) -> dict[str, str]:
    """Return the installation's password and keys, created once and readable only by their owner."""
    file = home / "secrets.json"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        write_private(
            file,
            {
                "password": secrets.token_urlsafe(12),
                "jwt_secret": secrets.token_urlsafe(48),
                "session_key": secrets.token_urlsafe(48),
                "fernet_key": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            },
        )
    values: dict[str, str] = json.loads(file.read_text())
    # Airflow's simple login reads {user: password} from a file of its own.
    write_private(home / "login.json", {USER: values["password"]})
    return values


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of Airflow and of the tasks that it starts."""
    home = settings.paths.airflow
    keys = secrets_of(home)
    port = settings.airflow_port
    scratch = settings.data / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "REACH_DATA": str(settings.data),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(scratch),
        "DO_NOT_TRACK": "1",
        # Airflow renames its processes; without this the new names overwrite the environment's memory,
        # and with it the mark by which `make down` finds them.
        "SPT_NOENV": "1",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "orchestration" / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # Idle workers are forked in advance: four are enough on a small machine and cost little.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": keys["fernet_key"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "login.json"),
        # Three processes share the file: on a busy machine one may hold it longer than SQLite's five seconds.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=60",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": keys["session_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt_secret"],
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # A changed file is parsed at once. Parsing all others again every 30 seconds took a tenth of a core.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        # After a crash, tasks of the dead scheduler are found within a minute, not within ten; a machine that was
        # only asleep for a moment gets two minutes.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "AIRFLOW__COSMOS__CACHE_DIR": str(home / "cosmos"),
        # It would back up the state for a retry after every model; ours starts from scratch (orchestration/dbt.py).
        "AIRFLOW__COSMOS__ENABLE_WATCHER_RELIABLE_RETRY": "False",
    }


class Airflow:
    """The three components of one installation."""

    def __init__(self, settings: Settings, programs: Programs, echo: Callable[[str], None] = lambda line: None) -> None:
        self._settings = settings
        self._echo = echo
        self._programs = programs

    @property
    def url(self) -> str:
        """Return the address of the API server."""
        return f"http://127.0.0.1:{self._settings.airflow_port}"

    @property
    def password(self) -> str:
        """Return the password of the user `admin`."""
        return secrets_of(self._settings.paths.airflow)["password"]

    def require_free_port(self) -> None:
        """Check that the API server runs, or that its port is free.

        Raises:
            PortTakenError: another program listens on the port.
        """
        if self._programs.running("api-server") is None:
            require_free_port(self._settings.airflow_port, "Airflow", "REACH_AIRFLOW_PORT")

    def start(self) -> list[str]:
        """Start the components that do not run, and return their names."""
        missing = [name for name in COMPONENTS if self._programs.running(name) is None]
        self.require_free_port()
        if missing:
            self._env = environment(self._settings)
            self._prepare_database()
            if len(missing) == len(COMPONENTS):
                self._clean_database()
        for name in missing:
            command = [sys.executable, "-m", "airflow", *COMPONENTS[name]]
            home = self._settings.paths.airflow
            self._programs.start(name, command, self._env, cwd=home, settings=effective(self._settings))
        return missing

    def stop(self) -> None:
        """Stop all three components."""
        for name in COMPONENTS:
            self._programs.stop(name)

    def changed_settings(self) -> list[str]:
        """Return one phrase per setting that has changed since the running components were started."""
        now = effective(self._settings)
        kept = [self._programs.settings_of(name) for name in COMPONENTS]
        return next((found for then in kept if then and (found := differences(then, now))), [])

    def require_started(self) -> None:
        """Check that Airflow runs.

        Raises:
            NotRunningError: Airflow was not started.
            ProcessFailedError: a component has ended.
        """
        if not any(self._programs.running(name) for name in COMPONENTS):
            raise NotRunningError(
                "Airflow does not run: 'make demo' starts it and makes only what has changed. "
                "To run one step without Airflow, see docs/operate.md, 'Each step by hand'."
            )
        self.require_running()

    def wait_until_healthy(self, health: Any) -> None:
        """Wait until all three components are healthy.

        Args:
            health: returns Airflow's health report as a dict, or None while it is not available.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            self.require_running()
            report = health()
            # Airflow reports the triggerer of an earlier version, which no longer runs, as unhealthy.
            parts = [] if report is None else [part for name, part in report.items() if name != "triggerer"]
            if parts and all(part["status"] == "healthy" for part in parts if part["status"]):
                return
            time.sleep(1)
        raise NotReadyError(
            f"Airflow did not become healthy within {SECONDS_TO_START} seconds. "
            f"Its programs' output: {self._programs.log('scheduler').parent}"
        )

    def require_running(self) -> None:
        """Check that every component runs.

        Raises:
            ProcessFailedError: a component has ended; the message has the last lines of its log.
        """
        for name in COMPONENTS:
            if self._programs.running(name) is None:
                log = self._programs.log(name)
                lines = log.read_text(errors="replace").splitlines()[-20:] if log.is_file() else []
                raise ProcessFailedError(
                    f"Airflow's {name} has ended. 'make demo' starts it again. Its last lines, from {log}:\n"
                    + "\n".join(lines)
                )

    def _prepare_database(self) -> None:
        """Create or upgrade Airflow's tables, unless the stamp names the installed version."""
        home = self._settings.paths.airflow
        stamp = home / "database.stamp"
        lock = (ROOT / "uv.lock").read_text()
        version = lock.partition('name = "apache-airflow-core"\nversion = "')[2].partition('"')[0]
        if not ((home / "airflow.db").exists() and stamp.exists() and stamp.read_text() == version):
            self._airflow("db", "migrate")
            stamp.write_text(version)

    def _clean_database(self) -> None:
        """Delete rows older than the retention policy allows, at most once a week because it takes seconds."""
        home, days = self._settings.paths.airflow, load_policy().airflow_days
        database, stamp = home / "airflow.db", home / "cleaned.stamp"
        if not stamp.exists():
            stamp.touch()
        if time.time() - stamp.stat().st_mtime < SECONDS_BETWEEN_CLEANINGS:
            return
        before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        size = database.stat().st_size
        self._airflow(
            *("db", "clean", "--clean-before-timestamp", before, "--skip-archive", "--yes"),
            *("--tables", CLEANED_TABLES),
        )
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM")
        stamp.touch()
        self._echo(f"Airflow's database: {(size - database.stat().st_size) / MIB:.1f} MiB freed")

    def _airflow(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self._env,
            cwd=self._settings.paths.airflow,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            command = shlex.join(["airflow", *arguments])
            raise ProcessFailedError(f"'{command}' failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
