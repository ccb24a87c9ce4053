"""The third boundary: the training set of one run."""

from datetime import date
from pathlib import Path

import pandas as pd

from quality.boundaries import Stages, read_json
from quality.frames.engine import connect
from quality.frames.features import keys, silent_features
from quality.frames.files import files_frame
from quality.frames.profile import profile
from quality.frames.training import labels, points_in_time
from quality.suites.features import rules
from quality.suites.training import FILES, REST, TABLES
from settings import Settings

_KEYS = {"snapshot", "customer_id", "product_id", "event_timestamp", "created_timestamp"}


def training_stages(settings: Settings, run_id: str, spill: Path) -> Stages:
    """Raises NothingToCheckError if the run has no plan."""
    run = settings.paths.runs / run_id
    plan = read_json(run / "plan.json", f"Run `python -m ml prepare --run-id {run_id}` first.")
    folder, instant = run / "dataset", settings.start_of_day(date.fromisoformat(plan["as_of"]))
    with connect(spill) as connection:
        yield FILES, {"files": files_frame(connection, folder, dict.fromkeys(TABLES, 1))}
        feature_rules = rules(silent_features(connection, settings.paths.admitted))
        profiles = [profile(folder / f"{table}.parquet", _KEYS, feature_rules) for table in TABLES]
        frames = {
            "profile": pd.concat(profiles, ignore_index=True),
            "keys": keys(connection, folder, TABLES, "snapshot"),
            "points_in_time": points_in_time(connection, folder),
            "labels": labels(connection, folder, instant),
        }
    yield REST, frames
