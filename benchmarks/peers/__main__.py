"""Fit one peer in its own process, so that time and memory are its own; `benchmarks.quality` starts it."""

import argparse
import importlib
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.peers.data import PeerData
from core.command import log_to_stdout
from ml.runs.run import Run


def main() -> None:
    """Fit the peer of the command line, and write its lists and its cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--run", type=Path, required=True, help="the run's folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for lists.npz and cost.json")
    options = parser.parse_args()
    log_to_stdout()
    peer = importlib.import_module(f"benchmarks.peers.{options.module}")
    data = PeerData.of(Run(options.run.parent, options.run.name))
    started = time.perf_counter()
    slates = peer.fit_and_list(data)
    seconds = time.perf_counter() - started
    np.savez(
        options.out / "lists.npz",
        **{f"{slate} {part}": values for slate, lists in slates.items() for part, values in vars(lists).items()},
    )
    cost = {"seconds": seconds, "peak_mib": peak_mib()}
    (options.out / "cost.json").write_text(json.dumps(cost))


def peak_mib() -> float:
    """Return the peak memory of this process in MiB; `ru_maxrss` is in KiB on Linux and in bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
