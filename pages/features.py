"""The page of one build of the features: `<data>/quality/<as_of>/index.html`."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from core.paths import Paths
from pages.checks import checks_entry, newest_feedback
from pages.entry import Entry, file_entry
from pages.errors import NothingToShowError
from pages.html import write_page
from pages.run import NAME, dbt_entry


def write_features_page(paths: Paths, as_of: date) -> Path:
    """Write the page of the day's build and return it. Raises NothingToShowError if nothing of the day exists."""
    day = as_of.isoformat()
    admissions = _of_day(paths.data.glob("admissions/*/manifest.json"), day)
    publications = _of_day(paths.features.parent.glob("*/publication.json"), day)
    if not admissions and not publications and not (paths.quality / day).is_dir():
        raise NothingToShowError(f"Nothing was built for {day} in {paths.data}. Run build_features for that day first.")
    folder = paths.quality / day
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        _admission(admissions),
        checks_entry(paths.quality, day, "landing", "The admitted tables have not been checked."),
        checks_entry(paths.quality, day, "features", "The feature tables have not been checked: dbt comes first."),
        _publication(publications),
        dbt_entry(paths),
        checks_entry(paths.quality, newest_feedback(paths.quality), "feedback", "No feedback has been checked yet."),
        *_trainings(paths, day),
    ]
    return write_page(folder / NAME, f"Features as of {day}", f"Only what was known before {day} is in them.", entries)


def refresh_features_page(paths: Paths, run_id: str) -> None:
    """Write the page of the build that a run was trained on again, so that it links to the run; nothing without one."""
    day = str(json.loads((paths.runs / run_id / "run_spec.json").read_text())["as_of"])
    if (paths.quality / day / NAME).is_file():
        write_features_page(paths, date.fromisoformat(day))


def _admission(manifests: list[Path]) -> Entry:
    if not manifests:
        return Entry("Admitted tables", missing="`.venv/bin/python -m landing admit` has not ended well for this day.")
    manifest = max(manifests, key=lambda path: path.parent.stat().st_mtime)
    tables = json.loads(manifest.read_text())["tables"]
    rows = ", ".join(f"{name} {table['rows']:,}" for name, table in tables.items())
    return Entry("Admitted tables", manifest, f"rows: {rows}")


def _publication(records: list[Path]) -> Entry:
    if not records:
        return Entry("Published features", missing="Nothing is published for this day: a task before `publish` ended.")
    record = max(records, key=lambda path: path.stat().st_mtime)
    rows = ", ".join(f"{name} {count:,}" for name, count in json.loads(record.read_text())["rows"].items())
    return Entry("Published features", record, f"{record.parent.name}, rows: {rows}")


def _trainings(paths: Paths, day: str) -> Iterator[Entry]:
    runs = [plan.parent for plan in _of_day(paths.runs.glob("*/run_spec.json"), day)]
    for run in sorted(runs):
        yield file_entry(f"Run {run.name}", run / NAME, "the retraining's page", "Its page has not been written yet.")
    if not runs:
        yield Entry("Retraining", missing="No training on these features had begun when this page was written.")


def _of_day(files: Iterator[Path], day: str) -> list[Path]:
    """Return the JSON files that are of the day; one that cannot be read is of no day."""
    found = []
    for file in files:
        if file.parent.is_symlink():
            continue
        try:
            if json.loads(file.read_text())["as_of"] == day:
                found.append(file)
        except (OSError, ValueError, KeyError):
            continue
    return found
