"""Count the project's functions that a request's customer id passes: `python -m tests.support.serving.request_path`.

The request runs through the service's own application in this process, with every thread profiled. A function counts
when a local variable holds the id: as itself, in the body's bytes, or in an object that has it as `customer_id`.
"""

import asyncio
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from settings import ROOT
from tests.support.serving.in_process import application, started
from tests.support.serving.running import install

CUSTOMER = "buyer"


class RequestPath:
    """Collect, while `recording`, which functions of the project ran and which of them held the customer id."""

    def __init__(self, root: Path, customer_id: str):
        self._root = f"{root}/"
        self._id = customer_id
        self.recording = False
        self.called: dict[tuple[str, str], None] = {}
        self.holding: dict[tuple[str, str], None] = {}

    def profile(self, frame: FrameType, event: str, _: Any) -> None:
        """Record a frame when it is entered and when it ends: the function that `sys.setprofile` takes."""
        if not self.recording or event not in ("call", "return"):
            return
        file = frame.f_code.co_filename
        if not file.startswith(self._root) or "/.venv/" in file or "/tests/" in file:
            return
        function = (file.removeprefix(self._root), frame.f_code.co_qualname)
        self.called.setdefault(function)
        if any(self._holds(value) for value in frame.f_locals.values()):
            self.holding.setdefault(function)

    def _holds(self, value: Any) -> bool:
        if isinstance(value, bytes | bytearray):
            return self._id.encode() in value
        if isinstance(value, tuple | list):
            return any(self._holds(item) for item in value[:10])
        return value == self._id if isinstance(value, str) else getattr(value, "customer_id", None) == self._id


def record(body: dict[str, Any], root: Path = ROOT) -> RequestPath:
    """Return what one `POST /recommend` passes, after a first one has warmed up the service."""
    path = RequestPath(root, str(body["customer_id"]))
    threading.setprofile(path.profile)
    sys.setprofile(path.profile)
    try:
        with TemporaryDirectory() as folder:
            installation = install(Path(folder) / "data", "v1")
            installation.deploy("v1")
            asyncio.run(_ask(application(installation), body, path))
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return path


async def _ask(app: Any, body: dict[str, Any], path: RequestPath) -> None:
    async with started(app) as client:
        (await client.post("/recommend", json=body)).raise_for_status()
        await asyncio.sleep(0.5)  # the first answer's decision is written
        path.recording = True
        (await client.post("/recommend", json=body)).raise_for_status()
        await asyncio.sleep(0.5)
        path.recording = False


def main() -> None:
    """Print the functions that hold the id, and both counts."""
    path = record({"customer_id": CUSTOMER, "k": 3})
    for file, function in path.holding:
        print(f"{file:45} {function}")
    for name, functions in (("hold the customer id", path.holding), ("run for the request", path.called)):
        print(f"{len(functions)} functions in {len({file for file, _ in functions})} files {name}")


if __name__ == "__main__":
    main()
