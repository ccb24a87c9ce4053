"""Fit, evaluate and score parts of the customer model, and print what was found."""

import resource
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ml.customers.fitting import fit_part
from ml.customers.inputs import Inputs
from ml.customers.part import Verdict
from ml.customers.parts import PARTS


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


def _print_measures(verdict: Verdict) -> None:
    for name, found in verdict.measures.items():
        interval = "" if found.low is None or found.high is None else f" ({found.low:.4f} to {found.high:.4f})"
        bar = "" if found.bar is None else f"  bar {'<=' if found.at_most else '>='} {found.bar:g}"
        met = "" if found.bar is None else "  met" if found.is_met else "  NOT MET"
        print(f"  {name:<24} {found.value:.4f}{interval}{bar}{met}")
