"""The service's own ASGI application in this process, behind the guards as when it is served.

For a process of its own: BentoML and Prometheus read their environment once.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.types import ASGIApp

from registry.model_store import bentoml_environment
from tests.support.serving.running import Installation


def application(installation: Installation) -> ASGIApp:
    """The application that serves the installation; call it before BentoML is used for anything else."""
    metrics = installation.data / "metrics"
    metrics.mkdir()
    os.environ |= bentoml_environment(installation.paths)
    os.environ |= {"REACH_DATA": str(installation.data), "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    from tests.support.serving.stubbed_service import service

    app: ASGIApp = service.to_asgi()
    return app


@asynccontextmanager
async def started(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application while it runs; waits until it is ready. An exception in it reaches the caller."""
    said: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    lifespan: asyncio.Task[None] = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}}, said.get, heard.put)
    )
    await said.put({"type": "lifespan.startup"})
    assert (await heard.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        async with asyncio.timeout(60):
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
        yield client
    await said.put({"type": "lifespan.shutdown"})
    await lifespan
