"""docker-compose.yml run without Docker: each container's command as a process on loopback.

A container's environment is that of its Dockerfile and of the composition. Differences on one machine are in `_here`:
folders, hosts and ports.
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import psutil
import yaml

from settings import ROOT
from tests.support.e2e.installation import free_port


class Composition:
    """The services that are built from this repository, and Redis; PostgreSQL runs elsewhere.

    Args:
        secrets: the content of `.env`.
        postgres: port of a running PostgreSQL.
    """

    def __init__(self, folder: Path, secrets: dict[str, str], postgres: int) -> None:
        self.folder = folder
        self.redis, self.api, self.service, self.console = (free_port() for _ in range(4))
        self._postgres = postgres
        read = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
        self._services: dict[str, Any] = _substituted(read["services"], secrets)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: list[IO[bytes]] = []
        for place in ("airflow", "data", "redis"):
            (folder / place).mkdir(parents=True)

    @property
    def names(self) -> list[str]:
        """Every service that runs a command of this repository."""
        return [name for name, service in self._services.items() if "build" in service]

    def environment(self, name: str) -> dict[str, str]:
        service = self._services[name]
        found = {"HOME": str(self.folder), "LANG": "C.UTF-8", "TMPDIR": str(self.folder)}
        if "build" in service:
            found |= _image_environment(ROOT / service["build"]["dockerfile"])
        found |= {key: str(value) for key, value in service.get("environment", {}).items()}
        found = {key: self._here(value) for key, value in found.items()}
        if "REACH_SERVICE_PORT" in found:
            found["REACH_SERVICE_PORT"] = str(self.service)
        if "REACH_CONSOLE_PORT" in found:
            found["REACH_CONSOLE_PORT"] = str(self.console)
        found["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return found

    def run(self, name: str) -> None:
        """Run a service whose command ends by itself."""
        self.start(name)
        assert self._processes[name].wait() == 0, self.log(name)

    def start(self, name: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        self._processes[name] = subprocess.Popen(
            [self._here(str(word)) for word in self._services[name]["command"]],
            cwd=ROOT if "build" in self._services[name] else self.folder / "redis",
            env=self.environment(name),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_until_healthy(self, *names: str, seconds: float = 300) -> None:
        """Ask each service's own health check, until all are content."""
        deadline = time.monotonic() + seconds
        waiting = set(names)
        while waiting:
            checks = {name: self._check(name) for name in waiting}
            printed = {name: check.communicate()[0] for name, check in checks.items()}
            waiting = {name for name, check in checks.items() if check.returncode != 0}
            for name in waiting:
                assert self._processes[name].poll() is None, f"{name} has ended:\n{self.log(name)}"
                assert time.monotonic() < deadline, f"{name} is not healthy: {printed[name]}\n{self.log(name)}"
            time.sleep(0.2)

    def log(self, name: str) -> str:
        return "\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-40:])

    def stop(self) -> None:
        """Stop everything; a supervisor's processes have sessions of their own, so they are looked for by parent."""
        for process in self._processes.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = psutil.Process(process.pid)
                for one in [parent, *parent.children(recursive=True)]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.kill()
            process.wait()
        for log in self._logs:
            log.close()

    def _check(self, name: str) -> "subprocess.Popen[str]":
        kind, *words = self._services[name]["healthcheck"]["test"]
        words = [self._here(str(word)) for word in words]
        return subprocess.Popen(
            ["sh", "-c", words[0]] if kind == "CMD-SHELL" else words,
            cwd=ROOT,
            env=self.environment(name),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _here(self, text: str) -> str:
        """Map names and folders of a container to those on this machine."""
        places = {
            r"^/(airflow|data)\b": rf"{self.folder}/\1",
            r"^/app\b": str(ROOT),
            r"^0\.0\.0\.0$": "127.0.0.1",
            r"@postgres/": f"@127.0.0.1:{self._postgres}/",
            r"\bredis:6379\b": f"127.0.0.1:{self.redis}",
            r"(airflow-api-server|127\.0\.0\.1):8080": f"127.0.0.1:{self.api}",
            r"^8080$": str(self.api),
            r"127\.0\.0\.1:3000": f"127.0.0.1:{self.service}",
            r"127\.0\.0\.1:3002": f"127.0.0.1:{self.console}",
            r"(exec redis-server)": rf"\1 --bind 127.0.0.1 --port {self.redis}",
            r"\bredis-cli\b": f"redis-cli -p {self.redis}",
        }
        for pattern, here in places.items():
            text = re.sub(pattern, here, text)
        return text


def _substituted(tree: Any, secrets: dict[str, str]) -> Any:
    """Compose's own substitution: `${NAME:?…}`, `${NAME:-default}`, `${NAME:+other}` and `$$`."""
    if isinstance(tree, dict):
        return {key: _substituted(value, secrets) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_substituted(value, secrets) for value in tree]
    if not isinstance(tree, str):
        return tree

    def value(match: re.Match[str]) -> str:
        name, sign, other = match["name"], match["sign"], match["other"]
        found = secrets.get(name, "")
        if sign == ":+":
            return other if found else ""
        if sign == ":?":
            assert found, f"the test gives no {name}"
        return found or other or ""

    return re.sub(r"(?<!\$)\$\{(?P<name>\w+)(?:(?P<sign>:[-?+])(?P<other>[^}]*))?\}", value, tree).replace("$$", "$")


def _image_environment(dockerfile: Path) -> dict[str, str]:
    lines = [line.removeprefix("ENV ") for line in dockerfile.read_text().splitlines() if line.startswith("ENV ")]
    return dict(word.split("=", 1) for line in lines for word in shlex.split(line))
