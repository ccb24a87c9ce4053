"""How fast the running service answers, against a BentoML service that does nothing, measured in turns.

`python -m benchmarks.serving` asks the service on REACH_SERVICE_PORT for customers of the admitted data, and a
no-op service that it starts itself; both take turns, so that a busy machine slows both. Read the ratios.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from release.environment import bentoml_environment
from settings import ROOT, Settings, load_settings

NOOP = "benchmarks.noop_service:service"
SECONDS_TO_START = 120


@dataclass
class Turn:
    """What one turn of one service brought: seconds a request, and how it was answered."""

    latencies: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """p50 and p99 in milliseconds, requests a second."""
        cuts = statistics.quantiles(self.latencies, n=100)
        return {"p50_ms": cuts[49] * 1e3, "p99_ms": cuts[98] * 1e3, "rps": len(self.latencies) / self.seconds}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a turn (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=3, help="turns of each service (default: %(default)s)")
    options = parser.parse_args()
    settings = load_settings()
    customers = known_customers(settings)
    if not _listens(settings.service_port):
        sys.exit(f"error: nothing listens on port {settings.service_port}. Start it: 'python -m serving'.")
    results = []
    with noop_service(settings) as noop_port:
        ports = {"reach": settings.service_port, "noop": noop_port}
        for port in ports.values():
            asyncio.run(ask_for(port, customers, 4, 1.0))  # warm up
        for connections in options.connections:
            results.append(compare(ports, customers, connections, options.seconds, options.turns))
            print(_line(results[-1]), flush=True)
    print(json.dumps(results))


def compare(
    ports: dict[str, int], customers: Sequence[str], connections: int, seconds: float, turns: int
) -> dict[str, object]:
    """Medians over turns for each service, the ratio reach / noop of each figure, and how reach answered."""
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in ports}
    answers: Counter[str] = Counter()
    for _ in range(turns):
        for name, port in ports.items():
            turn = asyncio.run(ask_for(port, customers, connections, seconds))
            figures[name].append(turn.figures())
            if name == "reach":
                answers += turn.answers
    medians = {
        name: {key: round(statistics.median(turn[key] for turn in all_turns), 2) for key in all_turns[0]}
        for name, all_turns in figures.items()
    }
    ratio = {key: round(medians["reach"][key] / medians["noop"][key], 2) for key in medians["noop"]}
    return {"connections": connections, **medians, "ratio": ratio, "answers": dict(answers)}


async def ask_for(port: int, customers: Sequence[str], connections: int, seconds: float) -> Turn:
    """Ask on several kept-alive connections, each without a pause, for `seconds`."""
    turn = Turn()
    until = time.perf_counter() + seconds
    started = time.perf_counter()
    await asyncio.gather(*(_connection(port, customers, until, number, turn) for number in range(connections)))
    turn.seconds = time.perf_counter() - started
    return turn


async def _connection(port: int, customers: Sequence[str], until: float, seed: int, turn: Turn) -> None:
    """A client as lean as can be: it shares the machine with what it measures."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    pick = random.Random(seed)
    while time.perf_counter() < until:
        body = json.dumps({"customer_id": pick.choice(customers), "k": 10}).encode()
        head = f"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        started = time.perf_counter()
        writer.write(head.encode() + b"\r\n\r\n" + body)
        header = await reader.readuntil(b"\r\n\r\n")
        length = int(header.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        turn.latencies.append(time.perf_counter() - started)
        turn.answers[_kind(header, answer)] += 1
    writer.close()


def _kind(header: bytes, answer: bytes) -> str:
    status = header.split(b" ")[1].decode()
    return str(json.loads(answer)["fallback"] or "personal") if status == "200" else status


def known_customers(settings: Settings) -> list[str]:
    """Every customer of the admitted transactions."""
    path = settings.paths.admitted / "transactions.parquet"
    return sorted(set(pq.read_table(path, columns=["customer_id"])["customer_id"].to_pylist()))


@contextmanager
def noop_service(settings: Settings) -> Iterator[int]:
    """Run the no-op service on a free port, in a BentoML home of its own (a second one would clear our metrics)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    home = settings.paths.bentoml / "benchmark"
    home.mkdir(parents=True, exist_ok=True)
    environment = os.environ | bentoml_environment(settings.paths) | {"BENTOML_HOME": str(home)}
    command = [sys.executable, "-m", "bentoml", "serve", NOOP, "--working-dir", str(ROOT)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=nowhere, stderr=nowhere)
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"error: the no-op service did not start: {' '.join(command)}")
            time.sleep(0.2)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _answers(port: int) -> bool:
    try:
        asyncio.run(asyncio.wait_for(ask_for(port, ["1"], 1, 0.01), 5))
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _line(result: dict[str, object]) -> str:
    return (
        f"{result['connections']} connections: reach {result['reach']}, no-op {result['noop']}, "
        f"ratio {result['ratio']}; answers {result['answers']}"
    )


if __name__ == "__main__":
    main()
