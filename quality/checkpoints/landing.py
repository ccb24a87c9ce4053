"""Define the first checkpoint: the tables that are being admitted."""

import json
from datetime import date, datetime
from pathlib import Path

from core.duckdb_engine import connect
from core.files.atomic import replace_file
from quality.checkpoints import Stages, read_json
from quality.errors import NothingToCheckError
from quality.frames.files import admitted_files_frame
from quality.frames.landing.admitted import RECENT_DAYS, Admitted
from quality.frames.landing.categories import categories, selling_categories
from quality.frames.landing.contacts import contacts
from quality.frames.landing.days import days
from quality.frames.landing.facts import facts
from quality.frames.landing.lines import lines
from quality.frames.landing.required import required
from quality.suites.landing import FILES, REST
from quality.thresholds import Thresholds
from settings import Settings

CATEGORY_BASELINE = "categories.json"
"""Next to the runs' folders: the categories that sold at the last run that passed, for the next run to compare."""


def landing_stages(settings: Settings, as_of: date, spill: Path, thresholds: Thresholds) -> Stages:
    """Yield the stages of the admitted tables.

    Raises:
        NothingToCheckError: The admitted tables are missing, or belong to another day.
    """
    folder = settings.paths.admitting.resolve()  # one admission, even if the link moves during the run
    advice = f"Run `.venv/bin/python -m landing admit --as-of {as_of}` first."
    manifest = read_json(folder / "manifest.json", advice, "as_of", "as_of_instant", "inputs", "tables")
    if manifest["as_of"] != as_of.isoformat():
        raise NothingToCheckError(f"The tables in {folder} are as of {manifest['as_of']}, not {as_of}. {advice}")
    baseline, landing = settings.paths.quality / CATEGORY_BASELINE, str(manifest["landing"])
    with connect(spill, settings.duckdb_memory("25%")) as connection:
        yield FILES, {"files": admitted_files_frame(connection, folder, manifest["tables"])}
        instant = datetime.fromisoformat(manifest["as_of_instant"])
        admitted = Admitted(connection, folder, as_of, instant, settings.timezone)
        of = {name: threshold.numbers for name, threshold in thresholds.by_check.items()}
        volume, mix_of = of["recent_volume_is_usual"], of["categories_sell_as_before"]
        all_days = days(
            admitted,
            deviations=volume["deviations"],
            least_usual=int(volume["least_lines"]),
            least_telling=int(of["no_day_is_loaded_twice"]["least_lines"]),
        )
        mix = categories(admitted, _load_baseline(baseline, landing), mix_of["deviations"], int(mix_of["least_lines"]))
        card = of["no_customer_holds_an_implausible_share_of_baskets"]
        frames = {
            "lines": lines(admitted),
            "days": all_days,
            "recent_days": all_days.tail(RECENT_DAYS),
            "categories": mix,
            "required": required(admitted),
            "contacts": contacts(admitted),
            "facts": facts(admitted, all_days, mix, card["baskets_a_day"]),
        }
        yield REST, frames
    _save_baseline(baseline, landing, selling_categories(mix))


def _load_baseline(path: Path, landing: str) -> set[str]:
    """Return the categories of the last run; none if it read another landing folder."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return set()
    return set(found["categories"]) if found.get("landing") == landing else set()


def _save_baseline(path: Path, landing: str, names: set[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps({"landing": landing, "categories": sorted(names)}, indent=2) + "\n")
