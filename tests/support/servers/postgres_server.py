"""A real PostgreSQL server of a test's own, on a free port of the loopback."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

USER = "airflow"


def programs() -> Path | None:
    """The folder of PostgreSQL's own programs: on the path, or where Debian keeps them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max((file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@contextmanager
def postgres_server(password: str) -> Iterator[int]:
    """Start it with an empty database `airflow`; gives its port. Skips the test without the programs."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("PostgreSQL's programs are not on this machine (Debian: apt-get install postgresql)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    # PostgreSQL refuses to run as root, and another user cannot enter pytest's folders.
    owner: dict[str, Any] = _other_user() if os.geteuid() == 0 else {}
    # Its socket lies in there, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    secret = folder / "password"
    secret.write_text(password)
    secret.chmod(0o644)
    options = ["--username", USER, "--pwfile", str(secret), "--auth", "scram-sha-256", "--no-sync", "--no-instructions"]
    subprocess.run(
        [str(bin_folder / "initdb"), "--pgdata", str(folder / "data"), *options],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=True,
        **owner,
    )
    listens = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-c", "fsync=off"]
    server = subprocess.Popen(
        [str(bin_folder / "postgres"), "-D", str(folder / "data"), *listens],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **owner,
    )
    try:
        environment = {**os.environ, "PGPASSWORD": password}
        create: list[str | Path] = [bin_folder / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", USER, USER]
        while subprocess.run(create, env=environment, stderr=subprocess.DEVNULL).returncode:
            assert server.poll() is None, "PostgreSQL has ended"
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def _other_user() -> dict[str, int]:
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid}
