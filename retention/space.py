"""How much the parts of the data directory take, and whether the disk has room for a run."""

import os
import shutil
from pathlib import Path

from retention.errors import NoSpaceError
from retention.policy import Policy
from settings import Settings

GIB = 1024**3
MIB = 1024**2
PARQUET = (".parquet", ".pq")
# What the packaged demo data takes as Parquet.
DEMO_LANDING = 40 * MIB


def size_of(place: Path) -> int:
    """Bytes on the disk of a file, or of all files below a folder; links are not followed, a file counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(place) if place.is_dir() and not place.is_symlink() else [("", [], [str(place)])]:
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
    """Name of each part of the data directory -> bytes, the largest first; parts of nothing are left out."""
    sizes = {place.name: size_of(place) for place in data.iterdir()} if data.is_dir() else {}
    return dict(sorted(((n, s) for n, s in sizes.items() if s), key=lambda pair: -pair[1]))


def free(place: Path) -> int:
    """Bytes that are free on the disk of a place, which need not exist yet."""
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def need_of_a_run(settings: Settings, policy: Policy) -> int:
    """Bytes that building features and training a model from these settings will take at their peak, about."""
    landed = [f for f in settings.landing.rglob("*") if f.is_file()] if settings.landing else []
    parquet = sum(f.stat().st_size for f in landed if f.suffix.lower() in PARQUET) if landed else DEMO_LANDING
    text = sum(f.stat().st_size for f in landed if f.suffix.lower() not in PARQUET)
    need = policy.run_times_parquet * parquet + policy.run_times_text * text
    return int(max(need, policy.run_least_mib * MIB))


def require_space(data: Path, need: int) -> None:
    """Raises NoSpaceError if less is free than needed."""
    found = free(data)
    if found < need:
        raise NoSpaceError(
            f"The disk of {data} has {found / GIB:.1f} GiB free, and a run needs about {need / GIB:.1f} GiB. "
            "'make status' shows what each part takes, 'make prune' deletes what the policy gives up. "
            "Or set REACH_DATA to a folder on a larger disk."
        )
