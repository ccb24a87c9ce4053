"""Measure the cost of a request to the service, to a typed no-op of the same server, and to a plain implementation.

`make bench-serving` starts all three on free ports, with the champion and the features of REACH_DATA. The first two
take turns, so that a busy machine slows both and the ratios stay meaningful. Processor time is that of the services'
processes. Latency counts from the scheduled request (benchmarks/serving/open_loop.py).
"""

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from benchmarks.installation import champion_version, known_customers
from benchmarks.serving.open_loop import offer, saturate
from benchmarks.serving.processes import Service, free_port, running
from core.paths import Paths
from customer_scores.tables import PREDICTIONS
from registry.model_store import bentoml_environment
from scoring.timing import STAGES
from serving.__main__ import serve_command, worker_count
from settings import ROOT, Settings, load_settings

NOOP = "benchmarks.serving.noop_service:service"
PATH, PROFILE_PATH = "/recommend", "/profile"
PLAIN_CANDIDATES = 500
LINKED = ("customers", "feast", "features", "release")
"""Folders of the installation that the measured service reads; metrics and temporary files are its own."""


def main() -> None:
    """Run the benchmark of the command line and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0, help="requests per second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a turn (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=3, help="turns of each service (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service (default: %(default)s)")
    parser.add_argument("--no-plain", action="store_true", help="leave out the plain implementation and its ratio")
    options = parser.parse_args()
    settings = load_settings()
    champion_version(settings)
    bodies = [
        json.dumps({"customer_id": customer, "slate": slate, "k": 10}).encode()
        for customer in known_customers(settings)
        for slate in ("all", "explore")
    ]
    with TemporaryDirectory(dir=settings.data, prefix="benchmark-") as folder:
        result = measure(settings, Path(folder), bodies, options.rate, options.seconds, options.turns, options.workers)
        if not options.no_plain:
            result |= measure_plain(settings, Path(folder), bodies, result["cpu_ms_per_request"])
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


def measure(
    settings: Settings,
    folder: Path,
    bodies: Sequence[bytes],
    rate: float,
    seconds: float,
    turns: int,
    workers: int,
) -> dict[str, float]:
    """Measure the service and the no-op in turns; print a line per turn, then the breakdown.

    Args:
        settings: The installation.
        folder: A folder for logs and temporary files.
        bodies: Bodies of the requests.
        rate: Requests per second.
        seconds: Length of a turn.
        turns: Turns of each service.
        workers: Processes of the service.

    Returns:
        The medians over the turns and the other figures of the last line.
    """
    rows: dict[str, list[dict[str, float]]] = {"reach": [], "noop": []}
    with ExitStack() as stack:
        services = {
            "reach": stack.enter_context(reach_service(settings, folder, workers)),
            "noop": stack.enter_context(noop_service(folder)),
        }
        for service in services.values():
            offer(service.port, PATH, bodies, rate, 3.0, seed=1)  # warm up
        before = stages(services["reach"].get("/metrics"))
        for turn in range(turns):
            for name, service in services.items():
                rows[name].append(measured(service, bodies, rate, seconds, seed=turn))
                print(f"{name:6} {_line(rows[name][-1])}", flush=True)
        after = stages(services["reach"].get("/metrics"))
        profiles = measure_profiles(settings, services["reach"], rate, seconds)
        full = {name: saturate(service.port, PATH, bodies, 8, seconds / 2) for name, service in services.items()}
        memory = {name: service.rss_mb() for name, service in services.items()}
        ready = {name: service.ready_s for name, service in services.items()}
    middle = {name: {key: statistics.median(row[key] for row in of) for key in of[0]} for name, of in rows.items()}
    for name in rows:
        print(
            f"{name:6} ready in {ready[name]:.1f} s, {memory[name]:.0f} MB, "
            f"at most {full[name].figures()['rps']:.0f} requests per second",
            flush=True,
        )
    _print_breakdown(before, after)
    return middle["reach"] | {
        "noop_ratio": middle["reach"]["cpu_ms_per_request"] / middle["noop"]["cpu_ms_per_request"],
        "capacity_rps": full["reach"].figures()["rps"],
        "rss_mb": memory["reach"],
        "ready_s": ready["reach"],
        **profiles,
    }


def measure_profiles(settings: Settings, service: Service, rate: float, seconds: float) -> dict[str, float]:
    """Measure requests for profiles of the running service, after a warm-up; nothing without published scores."""
    table = settings.paths.customers / PREDICTIONS
    if not table.exists():
        return {}
    ids = pq.read_table(table, columns=["customer_id"])["customer_id"].to_pylist()
    bodies = [json.dumps({"customer_id": customer_id}).encode() for customer_id in ids]
    offer(service.port, PROFILE_PATH, bodies, rate, 3.0, seed=1)
    row = measured(service, bodies, rate, seconds, seed=0, path=PROFILE_PATH)
    print(f"profile {_line(row)}", flush=True)
    return {"profile_cpu_ms_per_request": row["cpu_ms_per_request"], "profile_failed": row["failed"]}


def measure_plain(
    settings: Settings, folder: Path, bodies: Sequence[bytes], cpu_ms_per_request: float
) -> dict[str, float]:
    """Measure the plain implementation at one request per second, because it cannot answer much more."""
    port, log = free_port(), folder / "plain.log"
    command = [sys.executable, "-m", "benchmarks.serving.plain_service", "--port", str(port)]
    command += ["--features", str(settings.paths.features), "--folder", str(folder / "plain")]
    command += ["--candidates", str(PLAIN_CANDIDATES)]
    with running(command, _environment(folder), port, "/readyz", log) as service:
        offer(port, PATH, bodies, 1.0, 3.0, seed=1)
        row = measured(service, bodies, 1.0, 20.0, seed=0)
        print(f"plain  {_line(row)}\nplain  ready in {service.ready_s:.1f} s, {service.rss_mb():.0f} MB", flush=True)
    return {"plain_ratio": row["cpu_ms_per_request"] / cpu_ms_per_request}


def measured(
    service: Service, bodies: Sequence[bytes], rate: float, seconds: float, seed: int, path: str = PATH
) -> dict[str, float]:
    """Run one turn.

    Returns:
        Latencies (ms), processor time per request of service and client (ms), and the share of requests without a 200.
    """
    cpu, own = service.cpu_seconds(), time.process_time()
    load = offer(service.port, path, bodies, rate, seconds, seed)
    cpu, own, n = service.cpu_seconds() - cpu, time.process_time() - own, len(load.latencies)
    if load.statuses["200"] < n:
        print(f"some requests failed: {dict(load.statuses)}", flush=True)
    costs = {"cpu_ms_per_request": cpu / n * 1e3, "client_cpu_ms_per_request": own / n * 1e3}
    return load.figures() | costs | {"failed": 1.0 - load.statuses["200"] / n}


def stages(metrics: str) -> dict[str, tuple[float, float]]:
    """Return sum (seconds, or candidates) and count of each stage so far, from the service's `/metrics`."""
    names = {stage: ("reach_stage_seconds", f'{{stage="{stage}"}}') for stage in ("online_read", *STAGES, "encoding")}
    names |= {"scoring": ("reach_scoring_seconds", ""), "candidates": ("reach_candidates", "")}
    return {
        name: (_value(metrics, f"{metric}_sum{label}"), _value(metrics, f"{metric}_count{label}"))
        for name, (metric, label) in names.items()
    }


def _print_breakdown(before: Mapping[str, tuple[float, float]], after: Mapping[str, tuple[float, float]]) -> None:
    means = {}
    for name, (total, count) in after.items():
        requests = count - before[name][1]
        means[name] = (total - before[name][0]) / requests if requests else 0.0
    print(f"stages of a request with {means['candidates']:.0f} candidates, in milliseconds:")
    for stage in ("online_read", *STAGES, "encoding"):
        print(f"  {stage:12} {means[stage] * 1e3:6.3f}")
    waiting = means["scoring"] - sum(means[stage] for stage in STAGES)
    print(f"  {'hand-over':12} {waiting * 1e3:6.3f}   between the event loop and the scoring threads", flush=True)


def _value(metrics: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


@contextmanager
def reach_service(settings: Settings, folder: Path, workers: int) -> Iterator[Service]:
    """Run the real service on a free port until the block ends.

    It gets its own data directory, with links to what it reads, because a second service in a data directory would
    clear the metrics of the first.
    """
    data, port = folder / "reach", free_port()
    data.mkdir()
    for name in LINKED:
        if (settings.data / name).exists():
            (data / name).symlink_to(settings.data / name)
    paths = Paths(data)
    paths.bentoml.mkdir()
    (paths.bentoml / "models").symlink_to(settings.paths.bentoml / "models")
    environment = os.environ | bentoml_environment(paths) | worker_count(workers)
    environment |= {"REACH_DATA": str(data), "REACH_SERVICE_PORT": str(port)}
    with running(serve_command("127.0.0.1", port), environment, port, "/readyz", folder / "reach.log") as service:
        yield service


@contextmanager
def noop_service(folder: Path) -> Iterator[Service]:
    """Run the no-op service on a free port until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", NOOP, "--working-dir", str(ROOT)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with running(command, _environment(folder / "noop"), port, "/readyz", folder / "noop.log") as service:
        yield service


def _environment(data: Path) -> dict[str, str]:
    data.mkdir(exist_ok=True)
    return os.environ | bentoml_environment(Paths(data))


def _line(row: Mapping[str, float]) -> str:
    return (
        f"p50 {row['p50_ms']:.2f} ms, p95 {row['p95_ms']:.2f} ms, p99 {row['p99_ms']:.2f} ms at {row['rps']:.1f}/s, "
        f"{row['cpu_ms_per_request']:.2f} CPU-ms per request (client {row['client_cpu_ms_per_request']:.2f}), "
        f"{row['failed']:.1%} failed"
    )


if __name__ == "__main__":
    main()
