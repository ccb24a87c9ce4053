"""Read how many processor cores and how much memory this process may use."""

import os
import re
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")
"""Where version 2 of Linux' control groups shows a container its own limits."""


def cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0))


def free_memory(meminfo: Path = MEMINFO, control_group: Path = CONTROL_GROUP) -> int | None:
    """Return the bytes that further processes can take without swapping; None if the system does not show them.

    Args:
        meminfo: The system's table of memory.
        control_group: The folder with the limit of the container; without one only the system's memory counts.
    """
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo.read_text(), re.MULTILINE)
    except OSError:
        return None
    if found is None:
        return None
    available = int(found.group(1)) * 1024
    try:
        limit = (control_group / "memory.max").read_text().strip()
        used = int((control_group / "memory.current").read_text())
    except (OSError, ValueError):
        return available
    return available if limit == "max" else max(0, min(available, int(limit) - used))
