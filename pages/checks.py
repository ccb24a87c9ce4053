"""The rows of Great Expectations' results: one row per checkpoint."""

import json
from pathlib import Path

from pages.entry import Entry


def checks_entry(quality: Path, run: str, checkpoint: str, missing: str) -> Entry:
    """Return the checkpoint's row: how many checks are met, which ones are not, and the Data Docs.

    Args:
        quality: the folder of all results.
        run: the folder's name inside it: a day, or a training run.
        checkpoint: landing, features, training or feedback.
        missing: the reason to give if the checkpoint was not checked.
    """
    title, folder = f"Checks of the {checkpoint}", quality / run / checkpoint
    try:
        results = json.loads((folder / "results.json").read_text())
    except (OSError, ValueError):
        return Entry(title, missing=missing)
    broken = [result for result in results if not result["met"]]
    lines = tuple(f"{result['severity']}: {result['name']}: {result['what']}" for result in broken)
    is_bad = any(result["severity"] == "critical" for result in broken)
    text = f"{len(results) - len(broken)} of {len(results)} checks met"
    return Entry(title, folder / "index.html", text, lines, is_bad=is_bad)


def newest_feedback(quality: Path) -> str:
    """Return the newest day on which feedback was checked; empty if it never was."""
    return max((folder.parent.name for folder in quality.glob("*/feedback")), default="")
