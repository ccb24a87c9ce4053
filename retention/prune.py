"""Delete what the retention policy no longer keeps. Files in use are younger than its limits, or truncated in place."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from core.paths import Paths
from retention.policy import Policy
from retention.space import MIB, size_of

HOUR = 3600.0
DAY = 24 * HOUR


def prune(paths: Paths, airflow_logs: Path, policy: Policy, echo: Callable[[str], None]) -> dict[str, int]:
    """Apply the policy.

    Args:
        paths: paths of the data directory.
        airflow_logs: Airflow's log folder, which in production lies outside the data directory.
        policy: retention periods and sizes.
        echo: prints one line; called for each area in which something was deleted.

    Returns:
        Area -> bytes freed.
    """
    now = time.time()
    freed = {
        "Airflow's task logs": _delete(_old_files(airflow_logs, now - policy.airflow_days * DAY)),
        "Data Docs": _delete(_old_checks(paths, now - policy.data_docs_days * DAY)),
        "temporary files": sum(
            _delete(_old_files(folder, now - policy.scratch_hours * HOUR)) for folder in _scratch(paths)
        ),
        "the demo's mail": _delete(_old_files(paths.mail, now - policy.mail_days * DAY)),
        "programs' output": _cut_logs(paths.data / "processes", policy),
    }
    for folder in (airflow_logs, *_scratch(paths)):
        _remove_empty_folders(folder, now - DAY)
    for area, size in freed.items():
        if size:
            echo(f"{area}: {size / MIB:.1f} MiB freed")
    if not any(freed.values()):
        echo("Nothing is older or larger than the policy allows.")
    return freed


def _scratch(paths: Paths) -> list[Path]:
    return [paths.data / "tmp", paths.warehouse.parent / "tmp", paths.feast / "tmp", paths.bentoml / "tmp"]


def _old_files(folder: Path, before: float) -> Iterator[Path]:
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if not file.is_dir() and file.lstat().st_mtime < before:
                yield file


def _old_checks(paths: Paths, before: float) -> Iterator[Path]:
    """Yield folders of Data Docs whose newest file is old, unless their training run still exists."""
    for folder in paths.quality.glob("*/"):
        if folder.is_symlink() or (paths.runs / folder.name).is_dir():
            continue
        newest = max((file.lstat().st_mtime for file in folder.rglob("*")), default=folder.stat().st_mtime)
        if newest < before:
            yield folder


def _delete(paths: Iterator[Path]) -> int:
    total = 0
    for path in paths:
        size = size_of(path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        total += size
    return total


def _cut_logs(folder: Path, policy: Policy) -> int:
    """Keep the end of each large log. The program appends to its log, so it continues at the new end."""
    total = 0
    kept = int(policy.process_log_kept_mib * MIB)
    for log in folder.glob("*.log"):
        size = log.stat().st_size
        if size <= policy.process_log_mib * MIB:
            continue
        with log.open("rb+") as file:
            file.seek(size - kept)
            end = file.read().partition(b"\n")[2]
            file.truncate(0)
        with log.open("ab") as file:
            file.write(end)
        total += size - len(end)
    return total


def _remove_empty_folders(folder: Path, before: float) -> None:
    """Remove empty folders older than `before`; newer ones stay because a task may be about to write into them."""
    for path, _, _ in os.walk(folder, topdown=False):
        if Path(path) != folder and os.stat(path).st_mtime < before:  # noqa: PTH116
            with contextlib.suppress(OSError):
                os.rmdir(path)  # noqa: PTH106
