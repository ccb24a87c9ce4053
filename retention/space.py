"""Sizes of the parts of the data directory, and the free space that a run needs."""

import os
import shutil
from pathlib import Path

from retention.errors import NoSpaceError
from retention.policy import Policy
from settings import Settings

GIB = 1024**3
MIB = 1024**2
PARQUET = (".parquet", ".pq")
# Size of the packaged demo data as Parquet.
DEMO_LANDING = 40 * MIB


def size_of(path: Path) -> int:
    """Return the bytes on disk of a file or folder; links are not followed, and each file counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(path) if path.is_dir() and not path.is_symlink() else [("", [], [str(path)])]:
        for name in names:
            try:
                facts = os.lstat(os.path.join(folder, name))  # noqa: PTH118  (a Path per file would take seconds)
            except FileNotFoundError:  # another process has just deleted it
                continue
            if (facts.st_dev, facts.st_ino) not in seen:
                seen.add((facts.st_dev, facts.st_ino))
                total += facts.st_blocks * 512
    return total


def areas(data: Path) -> dict[str, int]:
    """Return the bytes of each part of the data directory by name, largest first, without empty parts."""
    sizes = {path.name: size_of(path) for path in data.iterdir()} if data.is_dir() else {}
    return dict(sorted(((n, s) for n, s in sizes.items() if s), key=lambda pair: -pair[1]))


def free(path: Path) -> int:
    """Return the bytes free on the disk of a path, which need not exist yet."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def need_of_a_run(settings: Settings, policy: Policy) -> int:
    """Estimate the peak of bytes on disk while features are built and a model is trained."""
    landed = [f for f in settings.landing.rglob("*") if f.is_file()] if settings.landing else []
    parquet = sum(f.stat().st_size for f in landed if f.suffix.lower() in PARQUET) if landed else DEMO_LANDING
    text = sum(f.stat().st_size for f in landed if f.suffix.lower() not in PARQUET)
    need = policy.run_times_parquet * parquet + policy.run_times_text * text
    return int(max(need, policy.run_least_mib * MIB))


def require_space(data: Path, need: int) -> None:
    """Check the free space.

    Raises:
        NoSpaceError: fewer than `need` bytes are free.
    """
    found = free(data)
    if found < need:
        raise NoSpaceError(
            f"The disk of {data} has {found / GIB:.1f} GiB free, and a run needs about {need / GIB:.1f} GiB. "
            "'make status' shows what each part takes, 'make prune' deletes what the policy no longer keeps. "
            "Or set REACH_DATA to a folder on a larger disk."
        )
