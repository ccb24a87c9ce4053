"""Print how good every part of the customer model is on the newest window whose outcome is known.

With `--weeks-before 8`, the evaluation is one horizon earlier; parts are built so, and the newest window stays unseen.
The last line is one JSON object of the bars' figures; a figure that a part did not give is null.

With `--times 10`, each part also runs on ten times the customers, in a process of its own, and the last line has the
costs.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.customers.replicated import replicate
from core.command import log_to_stdout
from features.publication import current_publication
from marketing.policy import load_policy
from ml.customers.fitting import fit_part
from ml.customers.inputs import Inputs
from ml.customers.part import Verdict
from ml.customers.parts import PARTS
from settings import load_settings

FIGURES = (
    *("age_55_auc", "income_75k_auc", "kids_auc", "household_3_auc", "tag_ece_max", "tag_reliability_min"),
    *("likes_confirmed", "lapse_8w_auc", "lapse_8w_ece", "spend_8w_wape", "spend_8w_covered", "order_14d_auc"),
    *("taste_new_recall", "pca_new_recall", "segment_jaccard", "segment_kappa", "value_eta2", "taste_eta2"),
    *("category_lift_all", "category_lift_new", "mailer_lift_all", "mailer_lift_new"),
    *("redeemer_auc", "redeemer_top_decile", "coupon_ndcg_10", "new_pairs"),
)
"""The names in the last line, in this order."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, evaluate and score every part on the published features, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.customers", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--weeks-before", type=int, default=0, help="evaluate as of N weeks earlier")
    parser.add_argument("--parts", nargs="+", help="only these parts")
    parser.add_argument("--times", type=int, default=1, help="compare the cost with that of N times the customers")
    options = parser.parse_args(arguments)
    log_to_stdout()
    settings = load_settings()
    publication = current_publication(settings.paths.features)
    inputs = Inputs(
        settings.paths.features.parent / publication.name,
        settings.snapshot_instants(publication.as_of),
        settings.seed,
        settings.duckdb_memory("20%"),
        purposes=load_policy(settings.marketing_policy, is_demo=settings.landing is None).allowed,
    )
    if options.weeks_before:
        inputs = inputs.before(options.weeks_before)
    print(f"Features {publication.name}, as of {inputs.now:%Y-%m-%d}")
    if options.times > 1:
        print(json.dumps(compare_costs(inputs, options.times, options.parts)))
        return 0
    verdicts = measure(inputs, options.parts)
    found = {name: measure.value for verdict in verdicts.values() for name, measure in verdict.measures.items()}
    print(json.dumps({name: None if name not in found else round(found[name], 4) for name in FIGURES}))
    return 0


def measure(inputs: Inputs, names: Sequence[str] | None = None) -> dict[str, Verdict]:
    """Fit, evaluate and score parts in a temporary folder of the data directory; print and return their verdicts."""
    verdicts: dict[str, Verdict] = {}
    total = 0.0
    with TemporaryDirectory(dir=inputs.features.parent, prefix=".bench.") as folder:
        published = Path(folder) / "published"
        published.mkdir()
        for part in (part for part in PARTS if names is None or part.name in names):
            target = Path(folder) / part.name
            target.mkdir()
            began = time.monotonic()
            verdict = verdicts[part.name] = fit_part(part, inputs, target)
            fitted = time.monotonic()
            if verdict.publishes:
                part.score(inputs, target, published)
            ended = time.monotonic()
            total += ended - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(
                f"\n{part.name}: {verdict.decision}; fitted in {fitted - began:.1f} s, "
                f"scored in {ended - fitted:.1f} s; peak memory so far {peak:.2f} GiB"
            )
            for reason in verdict.reasons:
                print(f"  {reason}")
            _print_measures(verdict)
    print(f"\nAll parts: {total:.1f} s\n")
    return verdicts


def compare_costs(inputs: Inputs, times: int, names: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Fit and score each part on the customers and on `times` as many; print and return seconds and peak memory.

    `growth` is the ratio of seconds over `times`: 1 if the cost is linear in the customers, less if a part of it is
    constant.
    """
    costs: dict[str, dict[str, float]] = {}
    with TemporaryDirectory(dir=inputs.features.parent, prefix=".bench.") as folder:
        replicate(inputs.features, Path(folder), times, inputs.memory)
        for part in (part for part in PARTS if names is None or part.name in names):
            (once, once_gib), (many, many_gib) = (
                _cost(replace(inputs, features=features), part.name) for features in (inputs.features, Path(folder))
            )
            costs[part.name] = {
                "seconds": round(once, 1),
                "peak_gib": round(once_gib, 2),
                f"seconds_{times}x": round(many, 1),
                f"peak_gib_{times}x": round(many_gib, 2),
                "growth": round(many / once / times, 2),
            }
            print(f"{part.name}: {costs[part.name]}")
    return costs


def _cost(inputs: Inputs, part: str) -> tuple[float, float]:
    """Return the seconds and the peak memory in GiB of one part, measured in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, inputs, part).result()


def _measured(inputs: Inputs, part: str) -> tuple[float, float]:
    began = time.monotonic()
    measure(inputs, [part])
    return time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _print_measures(verdict: Verdict) -> None:
    for name, found in verdict.measures.items():
        interval = "" if found.low is None or found.high is None else f" ({found.low:.4f} to {found.high:.4f})"
        bar = "" if found.bar is None else f"  bar {'<=' if found.at_most else '>='} {found.bar:g}"
        met = "" if found.bar is None else "  met" if found.is_met else "  NOT MET"
        print(f"  {name:<24} {found.value:.4f}{interval}{bar}{met}")


if __name__ == "__main__":
    sys.exit(main())
