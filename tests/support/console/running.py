"""The console in a process of its own, and a service that is ready and does nothing else."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from settings import ROOT, Settings
from tests.support.console.client import KEY, USERS
from tests.support.serving.running import free_port

SECONDS_TO_START = 300


@contextmanager
def serve_ready() -> Iterator[int]:
    """Serve `/readyz` on a free port, and yield the port."""

    async def ready(_: Request) -> Response:
        return JSONResponse({})

    port = free_port()
    app = Starlette(routes=[Route("/readyz", ready)])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serve_console(settings: Settings, service_port: int, log: Path) -> Iterator[str]:
    """Run the console with one user per role, and yield its address.

    Args:
        settings: name the data directory.
        service_port: of the recommendation service.
        log: the file that gets everything that the console prints.
    """
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REACH_")}
    environment |= {"REACH_DATA": str(settings.data), "REACH_CONSOLE_PORT": str(port), "REACH_CONSOLE_KEY": KEY}
    environment |= {"REACH_CONSOLE_USERS": USERS, "REACH_SERVICE_PORT": str(service_port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "serve"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/livez").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
