"""A copy of an installation and a service on it, so that the drill cannot damage the installation."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.serving.processes import Service, family, free_port, http_client, running
from features.publication import current_publication
from registry.champion_alias import Registry
from registry.model_store import ModelStore, bentoml_environment
from settings import ROOT, Settings

COPIED = ("release", "feast", "features", "bentoml/models")
NOT_COPIED = shutil.ignore_patterns("staged", "tmp", "lock", ".lock")


@dataclass(frozen=True)
class Sandbox:
    """Copy an installation.

    Attributes:
        settings: Settings of the copy.
        variables: Environment variables of its processes, in addition to REACH_DATA.
    """

    settings: Settings
    variables: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings, folder: Path) -> "Sandbox":
        """Copy what a service reads, and write the feature registry again because it contains paths."""
        for name in COPIED:
            shutil.copytree(settings.data / name, folder / name, symlinks=True, ignore=NOT_COPIED)
        sandbox = cls(settings.model_copy(update={"data": folder, "online_store": "sqlite", "api_keys": None}), {})
        sandbox.apply()
        return sandbox

    def on_redis(self, address: str) -> "Sandbox":
        """Return the same sandbox with Redis as online store, materialised."""
        variables = {"REACH_ONLINE_STORE": "redis", "REACH_REDIS": address}
        update = {"online_store": "redis", "redis": address, "redis_password": None}
        sandbox = Sandbox(self.settings.model_copy(update=update), variables)
        sandbox.materialize()
        return sandbox

    @property
    def registry(self) -> Registry:
        """Return the model registry of the copy."""
        return Registry(self.settings.paths.release)

    @property
    def store(self) -> ModelStore:
        """Return the model store of the copy."""
        return ModelStore(self.settings.paths.bentoml)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of the sandbox's processes: the caller's, with only the shop's of its Reach settings."""
        kept = {"REACH_TIMEZONE", "REACH_SNAPSHOTS", "REACH_SNAPSHOT_WEEKS", "REACH_SEED"}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("REACH_") or name in kept}
        shop = {"REACH_SNAPSHOTS": str(self.settings.snapshots), "REACH_TIMEZONE": self.settings.timezone}
        sandbox = {"REACH_DATA": str(self.settings.data)} | shop
        return plain | sandbox | dict(self.variables) | bentoml_environment(self.settings.paths) | more

    def run(self, *command: str) -> None:
        """Run a Reach command on the sandbox.

        Raises:
            RuntimeError: The command failed; the message ends with its error output.
        """
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=self.environment(), capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")

    def apply(self) -> None:
        """Write the feature registry."""
        self.run("feature_store", "apply")

    def rebuild_online(self) -> None:
        """Materialise again without new features, after deleting the state of the SQLite store."""
        (self.settings.paths.feast / "online.db").resolve().with_name("state.json").unlink()
        self.materialize()

    def materialize(self) -> None:
        """Load the current publication into the online store."""
        publication = current_publication(self.settings.paths.features)
        self.run("feature_store", "materialize", "--as-of", publication.as_of.isoformat())

    @contextmanager
    def service(self, **settings: str) -> Iterator["Served"]:
        """Run the real service until the block ends; it is ready when the block starts."""
        port = free_port()
        environment = self.environment(REACH_SERVICE_PORT=str(port), **settings)
        log = self.settings.data / f"service-{port}.log"
        with running([sys.executable, "-m", "serving"], environment, port, "/readyz", log) as service:
            yield Served(service, log)


@dataclass(frozen=True)
class Served:
    """Observe and stop a running service with a log file."""

    service: Service
    log: Path

    @property
    def port(self) -> int:
        """Return the port of the HTTP API."""
        return self.service.port

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """Return status and body of /readyz; status 0 if the service does not answer."""
        try:
            answer = http_client().get(f"http://127.0.0.1:{self.port}/readyz")
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, answer.json() if answer.status_code == 200 else {}

    def metric(self, name: str) -> float:
        """Return a sample of /metrics by its name with labels; 0 if it does not exist."""
        for line in self.service.get("/metrics").splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def samples(self, name: str, label: str) -> list[float]:
        """Return the values of a metric's samples with a label, such as `state="serving"`: one per worker."""
        lines = self.service.get("/metrics").splitlines()
        return [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name}{{") and label in line]

    def workers(self) -> list[int]:
        """Return the ids of the processes that answer requests."""
        return [pid for pid in family(self.service.process.pid) if b"_bentoml_impl.worker.service" in _command(pid)]

    def stop(self) -> None:
        """Send SIGTERM to the service."""
        self.service.process.send_signal(signal.SIGTERM)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
