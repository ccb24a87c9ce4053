"""Fit the parts of the customer model side by side, each in a process of its own.

A part reads the feature tables and writes its own folder, so no part waits for another. A process ends with its part:
its memory is free again, and TensorFlow is in the process of the part that trains with it only.
"""

import logging
import resource
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from threadpoolctl import threadpool_limits

from core.command import log_to_stdout
from core.files.atomic import staged_folder
from core.machine import cores, free_memory
from ml.customers.inputs import Inputs
from ml.customers.part import VERDICT, Decision, Part, Verdict
from ml.errors import NotEnoughDataError, RunError

logger = logging.getLogger(__name__)

LONGEST_FIRST = ("taste", "audiences", "segments", "tags", "predictions", "offers")
"""The order in which parts begin: the longest one must not be the last."""

PART_BYTES = 2 * 2**30
"""Free memory that a process must find: with the demo's data the largest one takes 1.3 GiB."""


@dataclass(frozen=True)
class Fitted:
    """A fitted part.

    Attributes:
        verdict: the outcome.
        seconds: how long it took.
        peak_bytes: the most memory that its process had; 0 if it was fitted before.
    """

    verdict: Verdict
    seconds: float = 0.0
    peak_bytes: int = 0


def fit_parts(parts: Sequence[Part], inputs: Inputs, folder: Path) -> dict[str, Verdict]:
    """Fit the parts that have no verdict yet, and return all verdicts by name, in the order of `parts`.

    Args:
        parts: the parts of the model.
        inputs: what they are fitted on.
        folder: gets one folder per part.

    Raises:
        RunError: the process of a part was killed twice, the second time alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Verdict] = {}
    for part in parts:
        if (folder / part.name / VERDICT).exists():
            logger.info("%s: fitted before", part.name)
            found[part.name] = Verdict.from_json((folder / part.name / VERDICT).read_text())
    waiting = sorted((part for part in parts if part.name not in found), key=_turn)
    workers = processes(len(waiting))
    if workers == 1:  # a further process would only take time to start
        fitted = {part.name: _fit(part, inputs, folder / part.name) for part in waiting}
    else:
        fitted = _fit_together(waiting, inputs, folder, workers)
    if fitted:
        peaks = sorted((each.peak_bytes for each in fitted.values()), reverse=True)
        most = peaks[0] if workers == 1 else sum(peaks[:workers])
        logger.info("Fitted %d parts, %d at a time; peak memory at most %.2f GiB", len(fitted), workers, most / 2**30)
    found |= {name: each.verdict for name, each in fitted.items()}
    return {part.name: found[part.name] for part in parts}


def processes(parts: int) -> int:
    """Return how many parts to fit at a time: one per core, as far as the memory lasts."""
    memory = free_memory()
    fitting = parts if memory is None else memory // PART_BYTES
    return max(1, min(parts, cores(), fitting))


def fit_part(part: Part, inputs: Inputs, folder: Path) -> Verdict:
    """Fit one part into an empty folder, and write its verdict there; too little data is a verdict."""
    try:
        verdict = part.fit(inputs, folder)
    except NotEnoughDataError as error:
        verdict = Verdict(Decision.NOT_ENOUGH_DATA, [str(error)], {}, inputs.now.date())
    (folder / VERDICT).write_text(verdict.to_json())
    return verdict


def _turn(part: Part) -> int:
    return LONGEST_FIRST.index(part.name) if part.name in LONGEST_FIRST else len(LONGEST_FIRST)


def _fit_together(parts: Sequence[Part], inputs: Inputs, folder: Path, workers: int) -> dict[str, Fitted]:
    """Fit parts in processes; one that is killed, as for want of memory, is fitted again with none at the same time."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = {part: pool.submit(_in_process, part, inputs, folder / part.name) for part in parts}
        fitted, killed = _results(waiting, pool)
    for part in killed:
        logger.warning("%s: its process was killed; it is fitted again with no other part at the time", part.name)
        try:
            fitted[part.name] = _in_process(part, inputs, folder / part.name)
        except BrokenProcessPool as error:
            raise RunError(
                f"The process that fitted '{part.name}' was killed twice, most likely for want of memory: the system's "
                "log has the reason. Free memory or lower REACH_MEMORY, and run the same command again: parts that "
                "were fitted stay."
            ) from error
    return fitted


def _results(waiting: dict[Part, "Future[Fitted]"], pool: ThreadPoolExecutor) -> tuple[dict[str, Fitted], list[Part]]:
    fitted, killed = {}, []
    for part, future in waiting.items():
        try:
            fitted[part.name] = future.result()
        except BrokenProcessPool:
            killed.append(part)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return fitted, killed


def _in_process(part: Part, inputs: Inputs, target: Path) -> Fitted:
    # Spawned, because forking a process with threads may hang it.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_child, part, inputs, target).result()


def _child(part: Part, inputs: Inputs, target: Path) -> Fitted:
    log_to_stdout()  # a new process starts without the command's logging
    return _fit(part, inputs, target)


def _fit(part: Part, inputs: Inputs, target: Path) -> Fitted:
    began = time.monotonic()
    # On such small problems the threads of linear algebra wait more than they compute: tags take 9 s of the processor
    # instead of 126, on two busy cores. And the figures are the same on any number of cores.
    with staged_folder(target) as staged, threadpool_limits(limits=1):
        verdict = fit_part(part, inputs, staged)
    seconds, peak = time.monotonic() - began, _peak_bytes()
    logger.info("%s: %s after %.1f s, peak memory %.2f GiB", part.name, verdict.decision, seconds, peak / 2**30)
    for reason in verdict.reasons:
        logger.info("  %s", reason)
    return Fitted(verdict, seconds, peak)


def _peak_bytes() -> int:
    """Return the most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
