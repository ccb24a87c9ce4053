"""A real Redis server of a test's own, on a free port of the loopback."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

PASSWORD = "1e3"  # a connection string, left to itself, would make 1000.0 of it


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start it and wait until it answers; gives its address and its process. Skips the test without the program."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("the program redis-server is not on this machine (Debian: apt-get install redis-server)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--requirepass", PASSWORD]
    process = subprocess.Popen([program, *place, "--save", "", *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, password=PASSWORD)
    for _ in range(200):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    try:
        yield f"127.0.0.1:{port}", process
    finally:
        process.kill()  # a stopped one would not receive SIGTERM
        process.wait()
