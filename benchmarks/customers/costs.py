"""Compare what parts of the customer model cost with many times the customers.

A module of its own, because a process that is spawned cannot import what a package's `__main__` defines.
"""

import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from benchmarks.customers.measure import measure
from benchmarks.customers.replicated import replicate
from ml.customers.inputs import Inputs
from ml.customers.parts import PARTS

Result = TypeVar("Result")


def compare_costs(inputs: Inputs, times: int, names: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Fit and score each part on the customers and on `times` as many; print and return CPU-seconds and peak memory.

    `growth` is the ratio of CPU-seconds over `times`: 1 if the cost is linear in the customers, less if a part of it is
    constant.
    """
    costs: dict[str, dict[str, float]] = {}
    with TemporaryDirectory(dir=inputs.features.parent, prefix=".bench.") as folder:
        # In a process of its own, because a process inherits the peak memory of the one that starts it.
        _in_own_process(replicate, inputs.features, Path(folder), times, inputs.memory)
        for part in (part for part in PARTS if names is None or part.name in names):
            (once, once_gib), (many, many_gib) = (
                _in_own_process(_measured, replace(inputs, features=features), part.name)
                for features in (inputs.features, Path(folder))
            )
            costs[part.name] = {
                "cpu_seconds": round(once, 1),
                "peak_gib": round(once_gib, 2),
                f"cpu_seconds_{times}x": round(many, 1),
                f"peak_gib_{times}x": round(many_gib, 2),
                "growth": round(many / once / times, 2),
            }
            print(f"{part.name}: {costs[part.name]}")
    return costs


def _in_own_process(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _measured(inputs: Inputs, part: str) -> tuple[float, float]:
    """Return the CPU-seconds and the peak memory in GiB of one part."""
    began = time.process_time()
    measure(inputs, [part])
    return time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
