"""The commands of the DAGs in their order, and a process that runs one of them while its costs are measured."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from core.command import ExitCode
from local.processes import memory
from settings import ROOT

SECONDS_BETWEEN_LOOKS = 1.0
GB = 1e9

Results = dict[str, Any]
"""The JSON results of the stages so far, by the stage's name."""


@dataclass(frozen=True)
class Stage:
    """A command of a DAG.

    Attributes:
        name: the name in the table.
        arguments: makes the words after `python -m` from the results of the stages before.
        needs: a stage that must have ended with a result; without one, this stage is skipped, as Airflow skips it.
    """

    name: str
    arguments: Callable[[Results], Sequence[str]]
    needs: str | None = None


def stages(run_id: str, products: Sequence[str]) -> list[Stage]:
    """Return the stages from admission to the deployed products, in the order of the DAGs.

    Args:
        run_id: names the runs of training.
        products: of `recommender` and `customers`, those to fit.
    """

    def day(results: Results) -> str:
        return f"--as-of={results['admit']['as_of']}"

    def version(results: Results, stage: str) -> str:
        return f"--version={results[stage]['version']}"

    run = f"--run-id={run_id}"
    deployment = ("--expect=auto", "--reason=growth")
    found = [
        Stage("admit", lambda _: ("landing", "admit")),
        Stage("check landing", lambda results: ("quality", "landing", day(results))),
        Stage(
            "accept",
            lambda results: ("landing", "accept", day(results), f"--admission={results['admit']['admission']}"),
        ),
        Stage("dbt build", lambda _: ("local", "dbt", "build")),
        Stage("check features", lambda results: ("quality", "features", day(results))),
        Stage("publish features", lambda results: ("feature_store", "publish", day(results))),
        Stage("apply", lambda _: ("feature_store", "apply")),
        Stage("materialize", lambda results: ("feature_store", "materialize", day(results))),
    ]
    if "recommender" in products:
        found += [
            Stage("build dataset", lambda results: ("ml", "build-dataset", run, day(results))),
            Stage("check training", lambda _: ("quality", "training", run), needs="build dataset"),
            Stage("train retrieval", lambda _: ("ml", "train-retrieval", run), needs="build dataset"),
            Stage("generate candidates", lambda _: ("ml", "generate-candidates", run), needs="train retrieval"),
            *(_ranker(run, ranker) for ranker in configured_rankers()),
            Stage("select ranker", lambda _: ("ml", "select-ranker", run), needs="generate candidates"),
            Stage("evaluate", lambda _: ("ml", "evaluate", run), needs="select ranker"),
            Stage("gate", lambda _: ("ml", "gate", run)),
            Stage("register model", lambda _: ("ml", "register-model", run), needs="gate"),
            Stage(
                "deploy",
                lambda results: ("registry", "deploy", version(results, "register model"), *deployment),
                needs="register model",
            ),
        ]
    if "customers" in products:
        product = "--product=customers"
        found += [
            Stage("fit customers", lambda results: ("ml.customers", "fit", run, day(results))),
            Stage("register customers", lambda _: ("ml.customers", "register-model", run), needs="fit customers"),
            Stage(
                "deploy customers",
                lambda results: (
                    *("registry", "deploy", product, version(results, "register customers")),
                    *deployment,
                ),
                needs="register customers",
            ),
            Stage("score customers", lambda _: ("ml.customers", "score"), needs="deploy customers"),
            Stage("check profiles", lambda results: ("quality", "profiles", day(results)), needs="score customers"),
            Stage(
                "publish scores",
                lambda results: ("customer_scores", "publish", day(results)),
                needs="score customers",
            ),
            Stage(
                "materialize scores",
                lambda results: ("feature_store", "materialize-profiles", day(results)),
                needs="publish scores",
            ),
        ]
    return found


def configured_rankers() -> list[str]:
    """Return the names of the configured rankers."""
    done = subprocess.run([sys.executable, "-m", "ml", "rankers"], cwd=ROOT, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def _ranker(run: str, ranker: str) -> Stage:
    return Stage(
        f"train {ranker}", lambda _: ("ml", "train-ranker", run, f"--ranker={ranker}"), needs="generate candidates"
    )


@dataclass(frozen=True)
class Cost:
    """The cost of a stage.

    Attributes:
        code: the exit code.
        seconds: from start to end.
        cpu_seconds: of the process and the processes it waited for.
        peak_gb: the most memory of the process and its children at one look; a peak between two looks is missed.
        spill_gb: the most that lay in DuckDB's temporary files at one look.
        disk_gb: what the data directory holds after the stage.
    """

    code: int
    seconds: float
    cpu_seconds: float
    peak_gb: float
    spill_gb: float
    disk_gb: float


def run_stage(arguments: Sequence[str], environment: Mapping[str, str], data: Path, log: Path) -> tuple[Cost, Any]:
    """Run `python -m <arguments>` and return its cost and its JSON result, None without one.

    Args:
        arguments: the command's words.
        environment: the environment of the process.
        data: the data directory.
        log: a file that gets the command's output.
    """
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=ROOT, env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )
        with _Watch(process.pid, data) as watch:
            _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cost = Cost(
        code=process.returncode,
        seconds=time.monotonic() - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_gb=watch.peak / GB,
        spill_gb=watch.spill / GB,
        disk_gb=_size(data, "*") / GB,
    )
    result = None
    if cost.code == ExitCode.DONE:
        with contextlib.suppress(ValueError, IndexError):
            result = json.loads(log.read_text().splitlines()[-1])
    return cost, result


class _Watch:
    """Looks at the memory of a process with its children, and at the temporary files of DuckDB, once a second."""

    def __init__(self, pid: int, data: Path):
        self._pid, self._data = pid, data
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peak = self.spill = 0

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(self._pid)
                self.peak = max(self.peak, memory([process, *process.children(recursive=True)]))
            self.spill = max(self.spill, _size(self._data, "duckdb_temp_*"))


def _size(folder: Path, pattern: str) -> int:
    """Return the bytes on disk of the files below a folder whose names match; links are not followed."""
    total = 0
    for file in folder.rglob(pattern):
        with contextlib.suppress(OSError):
            found = file.lstat()
            total += found.st_blocks * 512
    return total
