"""Define the third checkpoint: the training set of one run."""

from pathlib import Path

import pandas as pd

from core.duckdb_engine import connect
from quality.checkpoints import Stages, day_in
from quality.frames.features import keys
from quality.frames.files import files_frame
from quality.frames.profile import profile
from quality.frames.sources import explained
from quality.frames.training import all_labels, labels, moments, points_in_time
from quality.suites.features import RULES
from quality.suites.training import FILES, REST, TABLES
from settings import Settings

_KEYS = {"snapshot", "customer_id", "product_id", "event_timestamp", "created_timestamp"}


def training_stages(settings: Settings, run_id: str, spill: Path) -> Stages:
    """Yield the stages of a training set.

    Raises:
        NothingToCheckError: The run has no specification.
    """
    run = settings.paths.runs / run_id
    as_of = day_in(run / "run_spec.json", f"Run `.venv/bin/python -m ml build-dataset --run-id {run_id}` first.")
    folder, instant = run / "dataset", settings.start_of_day(as_of)
    with connect(spill, settings.duckdb_memory("25%")) as connection:
        yield FILES, {"files": files_frame(connection, folder, dict.fromkeys(TABLES, 1))}
        profiles = [profile(folder / f"{table}.parquet", _KEYS, RULES) for table in TABLES]
        found, instants = pd.concat(profiles, ignore_index=True), moments(connection, folder)
        label_frame = labels(connection, folder, instant)
        frames = {
            "profile": explained(connection, found, settings.paths.admitted, instants, settings.timezone),
            "keys": keys(connection, folder, TABLES, "snapshot"),
            "points_in_time": points_in_time(connection, folder),
            "labels": label_frame,
            "all_labels": all_labels(label_frame),
        }
    yield REST, frames
