"""Read the results of `quality landing` for an admission."""

import json
from pathlib import Path

RESULTS = Path("landing", "results.json")
"""Below `<data>/quality/<as_of>/`."""


def failed_checks(results: Path, admitted: Path) -> list[str] | None:
    """Return the names of the critical checks that failed; None if the admission was not checked.

    Args:
        results: The checks' results of the admission's day.
        admitted: A file of the admission; older results belong to another admission.
    """
    try:
        if results.stat().st_mtime_ns < admitted.stat().st_mtime_ns:
            return None
        rows = json.loads(results.read_text())
        return [row["name"] for row in rows if row["severity"] == "critical" and not row["met"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
