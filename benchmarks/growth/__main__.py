"""Run every stage from admission to deployed models on a landing larger than the demo's, and print what each costs.

`python -m benchmarks.growth --factor 10` has ten times the demo's customers; `--customers 200000` the demo's baskets
with buyers drawn from as many. Everything is written below `<data>/growth/<name>`, which a later run replaces. A stage
that fails ends the run. With `--against FILE`, the `costs.json` of another run, the result has the worst ratio of
processor time. The last line is one JSON object.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.growth.landings import Make, copied_customers, spread_baskets, write_landing
from benchmarks.growth.stages import Cost, Results, run_stage, stages
from core.command import ExitCode
from settings import ROOT, load_settings

PRODUCTS = ("recommender", "customers")
KEPT_SETTINGS = ("REACH_MEMORY", "REACH_SNAPSHOTS", "REACH_SEED")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the landing, run the stages, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=(__doc__ or "").partition("\n")[0])
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--factor", type=int, help="how many times the demo's customers")
    size.add_argument("--customers", type=int, help="over how many buyers the demo's baskets are spread")
    parser.add_argument("--products", nargs="+", choices=PRODUCTS, default=PRODUCTS, help="what is fitted")
    parser.add_argument("--against", type=Path, help="the costs.json of the run to compare with")
    options = parser.parse_args(arguments)
    settings = load_settings()
    name, make = _landing_of(options, settings.seed)
    folder = settings.data / "growth" / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    source = settings.paths.demo_landing
    if not source.exists():
        sys.exit(f"error: {source} is missing. Run 'make demo' first, or set REACH_DATA to a finished one.")
    write_landing(make, source, folder / "landing", settings.duckdb_memory("25%"))
    costs = _run(folder, options.products)
    (folder / "costs.json").write_text(json.dumps({stage: asdict(cost) for stage, cost in costs.items()}, indent=2))
    before = json.loads(options.against.read_text()) if options.against else {}
    print(json.dumps(_summary(name, costs, before)))
    return 0 if all(cost.code in (ExitCode.DONE, ExitCode.NOTHING_TO_DO) for cost in costs.values()) else 1


def _landing_of(options: argparse.Namespace, seed: int) -> tuple[str, Make]:
    if options.factor:
        return f"times-{options.factor}", copied_customers(options.factor, seed)
    return f"customers-{options.customers}", spread_baskets(options.customers, seed)


def _run(folder: Path, products: Sequence[str]) -> dict[str, Cost]:
    """Run the stages and print one line for each; stop at the first that fails."""
    data = folder / "data"
    data.mkdir()
    others = {name: text for name, text in os.environ.items() if not name.startswith("REACH_") or name in KEPT_SETTINGS}
    environment = {
        **others,
        "REACH_DATA": str(data),
        "REACH_LANDING": str(folder / "landing"),
        # The same inferences as from the demo, which are off for a landing of one's own.
        "REACH_MARKETING_POLICY": str(ROOT / "marketing" / "demo_policy.toml"),
    }
    print(f"{'stage':<22} {'wall s':>8} {'CPU s':>8} {'peak GB':>8} {'spill GB':>9} {'disk GB':>8}")
    costs: dict[str, Cost] = {}
    results: Results = {}
    for stage in stages(f"growth-{folder.name}", products):
        if stage.needs and stage.needs not in results:
            print(f"{stage.name:<22} skipped: '{stage.needs}' has no result")
            continue
        log = folder / "logs" / f"{stage.name.replace(' ', '-')}.log"
        cost, result = run_stage(stage.arguments(results), environment, data, log)
        costs[stage.name] = cost
        if cost.code == ExitCode.DONE:
            results[stage.name] = result
        print(
            f"{stage.name:<22} {cost.seconds:>8.1f} {cost.cpu_seconds:>8.1f} {cost.peak_gb:>8.2f} "
            f"{cost.spill_gb:>9.2f} {cost.disk_gb:>8.2f}{_end_of(cost, log)}",
            flush=True,
        )
        if cost.code not in (ExitCode.DONE, ExitCode.NOTHING_TO_DO):
            break
    return costs


def _end_of(cost: Cost, log: Path) -> str:
    if cost.code == ExitCode.DONE:
        return ""
    last = (log.read_text().splitlines() or ["no output"])[-1]
    return f"  nothing to do, see {log}" if cost.code == ExitCode.NOTHING_TO_DO else f"  FAILED ({cost.code}): {last}"


def _summary(name: str, costs: dict[str, Cost], before: dict[str, dict[str, float]]) -> dict[str, object]:
    ratios = [cost.cpu_seconds / before[stage]["cpu_seconds"] for stage, cost in costs.items() if before.get(stage)]
    failed = [stage for stage, cost in costs.items() if cost.code not in (ExitCode.DONE, ExitCode.NOTHING_TO_DO)]
    return {
        "landing": name,
        "failed_steps": failed,
        "worst_cpu_ratio": round(max(ratios), 2) if ratios else None,
        "worst_gb": round(max(cost.peak_gb for cost in costs.values()), 2),
        "worst_spill_gb": round(max(cost.spill_gb for cost in costs.values()), 2),
    }


if __name__ == "__main__":
    sys.exit(main())
