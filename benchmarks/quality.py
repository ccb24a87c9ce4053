"""Compare Reach with alternative methods on the same customers in the same window, in one table.

`python -m benchmarks.quality` reads a finished run: its data set for the peers, its lists for Reach. Each method is
fitted in its own process, one after the other, and evaluated by `ml.evaluation`. The last line is the path of the table
as JSON, `bench_quality.json` in the run's folder.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers import PEERS
from settings import ROOT, load_settings

# Only light modules are imported here, because a process inherits the peak memory of the process that starts it.

REACH = "reach"
TABLE = "bench_quality.json"
TABLE_SCORES = ("all NDCG@10", "all Recall@20", "repeat Recall@20", "explore NDCG@20", "explore Recall@100")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark of the command line, write its table and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--run-id", default="latest", help="a run that was evaluated (default: %(default)s)")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), help="default: all")
    parser.add_argument(
        "--no-training", action="store_true", help="don't train Reach again to measure its seconds and memory"
    )
    options = parser.parse_args(arguments)
    folder = (load_settings().paths.runs / options.run_id).resolve()
    if not (folder / "lists.parquet").exists():
        advice = "Run '.venv/bin/python -m ml evaluate' for it first."
        print(f"error: {folder} has no lists.parquet. {advice}", file=sys.stderr)
        return 1
    with TemporaryDirectory(prefix=".bench.", dir=folder) as scratch:
        jobs = {name: PEERS[name] for name in options.peers} | ({} if options.no_training else {REACH: REACH})
        for name, module in jobs.items():
            print(f"{name} …", flush=True)
            try:
                fit(module, folder, Path(scratch) / module)
            except subprocess.CalledProcessError:
                print(
                    f"error: {name} failed, see above. Is the dependency group 'peers' installed? "
                    "'make bench-quality' adds it.",
                    file=sys.stderr,
                )
                return 1
        table = evaluate_all(folder, {name: Path(scratch) / module for name, module in jobs.items()})
    print(render(table), flush=True)
    print(json.dumps({"table": str(folder / TABLE)}))
    return 0


def fit(module: str, run: Path, out: Path) -> None:
    """Fit one method and make its lists in a new process.

    Args:
        module: The method's file in `benchmarks/peers/`.
        run: Folder of the run.
        out: Folder for the lists and the cost.

    Raises:
        subprocess.CalledProcessError: The process failed.
    """
    out.mkdir()
    command = [sys.executable, "-m", "benchmarks.peers", module, "--run", str(run), "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True)


def evaluate_all(folder: Path, fitted: Mapping[str, Path]) -> dict[str, Any]:
    """Evaluate the run's lists and those of every fitted method, and write the table to the run's folder.

    Args:
        folder: Folder of the run.
        fitted: Folder of each method with its lists and its cost. Reach is evaluated by the run's lists; the lists of
            its second training only show whether they are the same.
    """
    import numpy as np

    from benchmarks.peers.data import PeerData
    from benchmarks.run_files import lists_of
    from experiments.bootstrap import bootstrap, paired_difference
    from ml.evaluation.evaluated_run import CHALLENGER
    from ml.evaluation.ground_truth import RankedLists, Slates, coverages, evaluate_lists
    from ml.runs.run import Run

    run = Run(folder.parent, folder.name)
    data = PeerData.of(run)
    truth, seed = data.window.truth, data.spec.seed
    methods: dict[str, Slates] = {REACH: lists_of(folder / "lists.parquet", CHALLENGER, truth, data.catalogue.index)}
    costs: dict[str, dict[str, float]] = {}
    reproduced = None
    for name, output in fitted.items():
        arrays = np.load(output / "lists.npz", allow_pickle=False)
        slates = {
            slate: RankedLists(*(arrays[f"{slate} {part}"] for part in ("positions", "scores", "sources")))
            for slate in ("all", "explore")
        }
        costs[name] = json.loads((output / "cost.json").read_text())
        if name == REACH:
            same = [(slates[s].positions == methods[REACH][s].positions).all(axis=1) for s in slates]
            reproduced = float(np.mean(same))
        else:
            methods[name] = slates

    scores = {name: evaluate_lists(truth, slates) for name, slates in methods.items()}
    rows = {
        name: {
            "scores": {score: asdict(bootstrap(values, seed)) for score, values in found.items()},
            "reach_minus_this": {}
            if name == REACH
            else {s: asdict(paired_difference(scores[REACH][s], values, seed)) for s, values in found.items()},
            "coverage": coverages(methods[name]),
            **costs.get(name, {"seconds": None, "peak_mib": None}),
        }
        for name, found in scores.items()
    }
    table = {
        "run_id": run.run_id,
        "features": data.spec.features,
        "judged": data.spec.day(data.spec.split.evaluation).isoformat(),
        "customers": len(truth.customer_ids),
        "reach_lists_reproduced": reproduced,
        "methods": rows,
    }
    run.write_json(TABLE, table)
    return table


def render(table: Mapping[str, Any]) -> str:
    """Return the table as text: each method's means with 95% intervals, and the paired differences to Reach."""
    width = max(map(len, table["methods"])) + 2
    lines = [
        f"run {table['run_id']}, {table['customers']:,} customers, purchases from {table['judged']} on; 95% intervals",
        "".ljust(width) + "".join(name.rjust(26) for name in TABLE_SCORES) + "seconds".rjust(10) + "peak MiB".rjust(10),
    ]
    for name, row in table["methods"].items():
        cells = "".join(_cell(row["scores"][score], ".4f").rjust(26) for score in TABLE_SCORES)
        lines.append(name.ljust(width) + cells + _cost(row["seconds"]) + _cost(row["peak_mib"]))
        if row["reach_minus_this"]:
            cells = "".join(_cell(row["reach_minus_this"][score], "+.4f").rjust(26) for score in TABLE_SCORES)
            lines.append("  reach minus this".ljust(width) + cells)
    if table["reach_lists_reproduced"] is not None:
        lines.append(f"Reach trained again gives the same list in {table['reach_lists_reproduced']:.1%} of the cases.")
    return "\n".join(lines)


def _cell(estimate: Mapping[str, float], form: str) -> str:
    return f"{estimate['mean']:{form}} [{estimate['low']:{form}}, {estimate['high']:{form}}]"


def _cost(value: float | None) -> str:
    return ("-" if value is None else f"{value:,.0f}").rjust(10)


if __name__ == "__main__":
    sys.exit(main())
