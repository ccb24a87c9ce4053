"""Measure the time to the first byte of every page of the console: `python -m benchmarks.console`.

A console of its own runs on a free port, on the installation of REACH_DATA or, with `--customers 100000`, on a made one
whose campaign for all customers waits in its outbox. The last line is one JSON object: page -> median milliseconds.
"""

import argparse
import json
import os
import secrets
import statistics
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.customers.campaigns import STEPS, measured, write_installation
from benchmarks.serving.processes import free_port, running
from console.access.users import entry_for
from console.web.navigation import NAVIGATION
from settings import load_settings

BAR_MS = 200
REPEATS = 15
USER = "bench"


def first_byte_ms(client: httpx.Client, path: str) -> float:
    """Return the milliseconds from the request to the first byte of the answer's body.

    Raises:
        httpx.HTTPStatusError: the page does not answer with 200.
    """
    began = time.perf_counter()
    with client.stream("GET", path) as answer:
        answer.raise_for_status()
        chunks = answer.iter_raw()
        next(chunks, b"")
        elapsed = 1000 * (time.perf_counter() - began)
        deque(chunks, maxlen=0)
    return elapsed


def measure(data: Path) -> dict[str, tuple[float, float]]:
    """Return the median and the longest first byte (ms) of each page, after one call of each."""
    password, port = secrets.token_urlsafe(12), free_port()
    environment = {
        **os.environ,
        "REACH_DATA": str(data),
        "REACH_CONSOLE_PORT": str(port),
        "REACH_CONSOLE_USERS": entry_for(USER, "admin", password),
        "REACH_CONSOLE_KEY": secrets.token_urlsafe(48),
    }
    paths = [entry.path for entry in NAVIGATION]
    paths += [f"/campaigns/{file.stem}" for file in sorted((data / "campaigns").glob("*.toml"))[:1]]
    with (
        TemporaryDirectory() as folder,
        running(
            [sys.executable, "-m", "console", "serve"], environment, port, "/livez", Path(folder) / "console.log"
        ) as console,
        httpx.Client(base_url=f"http://127.0.0.1:{console.port}", timeout=60) as client,
    ):
        answer = client.post("/login", data={"name": USER, "password": password})
        if not answer.is_redirect:
            answer.raise_for_status()
        found = {}
        for path in paths:
            first_byte_ms(client, path)
            times = [first_byte_ms(client, path) for _ in range(REPEATS)]
            found[path] = (statistics.median(times), max(times))
        return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the times of each page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--customers", type=int, metavar="N", help="measure a made installation with N customers")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.customers is None:
        found = measure(load_settings().data)
    else:
        with TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            write_installation(data, options.customers, options.seed)
            for step in STEPS.values():
                measured(data, *step)
            found = measure(data)
    for path, (median, longest) in found.items():
        print(f"{path:<24} first byte after {median:7.1f} ms, at most {longest:7.1f} ms (bar {BAR_MS} ms)")
    print(json.dumps({path: round(median, 1) for path, (median, _) in found.items()}))


if __name__ == "__main__":
    main()
