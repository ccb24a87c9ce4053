"""A real `bentoml serve` process on a free port, with a data directory of its own."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from core.paths import Paths
from registry.champion_alias import Registry
from registry.model_store import ModelStore, bentoml_environment
from serving.__main__ import SERVICE, serve_command
from settings import ROOT
from tests.support.serving.small_bundle import buyer_features, write_bundle
from tests.support.serving.stubbed_service import CUSTOMERS

SECONDS_TO_START = 120
STUBBED = "tests.support.serving.stubbed_service:service"


@dataclass
class Installation:
    """A data directory with bundles in its model store."""

    data: Path

    @property
    def paths(self) -> Paths:
        return Paths(self.data)

    @property
    def registry(self) -> Registry:
        return Registry(self.paths.release)

    @property
    def store(self) -> ModelStore:
        return ModelStore(self.paths.bentoml)

    @property
    def log(self) -> Path:
        return self.data / "service.log"

    @property
    def home(self) -> Path:
        """The home directory of the service's process: nothing may be written there."""
        return self.data.with_name(self.data.name + "-home")

    def put(self, version: str, weight: float = 10.0) -> None:
        """Make a small bundle and put it in the store."""
        self.store.put(write_bundle(self.data / "made" / version, version, weight=weight), version)

    def deploy(self, version: str) -> None:
        self.registry.deploy(version, None, "a test", "test")

    def write_customers(self, **customers: dict[str, Any]) -> None:
        (self.data / CUSTOMERS).write_text(json.dumps(customers))


def install(data: Path, *versions: str) -> Installation:
    """An installation that holds these versions, none deployed, and one customer who bought p3 and p5."""
    installation = Installation(data)
    data.mkdir(parents=True, exist_ok=True)
    installation.home.mkdir()
    for place, version in enumerate(versions):
        installation.put(version, weight=10.0 + place)
    installation.write_customers(buyer=buyer_features("p3", "p5"), newcomer={"customer_profile__products": 0.0})
    return installation


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(
    installation: Installation, bento: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[httpx.Client]:
    """Run the service until the block ends; waits until the process answers, ready or not."""
    port = free_port()
    command = [STUBBED if part == SERVICE else part for part in serve_command("127.0.0.1", port, bento)]
    environment = os.environ | bentoml_environment(installation.paths)
    environment |= {"REACH_DATA": str(installation.data), "REACH_SERVICE_PORT": str(port), **(settings or {})}
    environment |= {"HOME": str(installation.home), "XDG_CACHE_HOME": str(installation.home / ".cache")}
    # A Bento must not find the project's own code.
    directory = installation.home if bento else ROOT
    with installation.log.open("ab") as log:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            _wait(lambda: _status(client, "/livez") == 200, installation, process)
            yield client
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def wait_until_ready(client: httpx.Client, installation: Installation) -> None:
    _wait(lambda: _status(client, "/readyz") == 200, installation)


def wait_for_version(client: httpx.Client, version: str, installation: Installation) -> None:
    def serves() -> bool:
        return ask(client, "nobody").json().get("model_version") == version

    _wait(serves, installation)


def ask(client: httpx.Client, customer_id: str, **more: Any) -> httpx.Response:
    return client.post("/recommend", json={"customer_id": customer_id, **more})


def metric(client: httpx.Client, name: str) -> float:
    """A sample of `/metrics` by its name with labels; 0 if it is not there yet."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def _wait(done: Any, installation: Installation, process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not done():
        alive = process is None or process.poll() is None
        if not alive or time.monotonic() > deadline:
            raise AssertionError(installation.log.read_text()[-4000:])
        time.sleep(0.1)


def _status(client: httpx.Client, path: str) -> int:
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return 0
