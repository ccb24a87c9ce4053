"""The second boundary: the feature tables as dbt staged them."""

from datetime import date
from pathlib import Path

import pandas as pd

from quality.boundaries import Stages
from quality.errors import NothingToCheckError
from quality.frames.engine import connect
from quality.frames.features import facts, keys, lists, silent_features, snapshots, times
from quality.frames.files import files_frame
from quality.frames.profile import profile
from quality.suites.features import FILES, GROWING_TABLES, REST, SNAPSHOT_TABLES, TABLES, rules
from settings import Settings


def feature_stages(settings: Settings, as_of: date, spill: Path) -> Stages:
    """Raises NothingToCheckError if dbt has staged nothing."""
    folder, instant = settings.paths.staged_features, settings.start_of_day(as_of)
    if not any(folder.glob("*.parquet")):
        raise NothingToCheckError(f"{folder} holds no feature table. Run dbt build for {as_of} first.")
    with connect(spill) as connection:
        yield FILES, {"files": files_frame(connection, folder, dict.fromkeys(TABLES, 1))}
        feature_rules = rules(silent_features(connection, settings.paths.admitted))
        moments = snapshots(connection, folder, SNAPSHOT_TABLES, settings.snapshot_instants(as_of))
        growing = moments["subject"].str.startswith(GROWING_TABLES)
        profiles = [
            profile(folder / f"{table}.parquet", {*names, "event_timestamp", "created_timestamp"}, feature_rules)
            for table, names in TABLES.items()
        ]
        frames = {
            "profile": pd.concat(profiles, ignore_index=True),
            "keys": keys(connection, folder, TABLES, "event_timestamp"),
            "times": times(connection, folder, list(TABLES), instant),
            "snapshots": moments,
            "growth": moments[growing].reset_index(drop=True),
            "newest": moments[moments["subject"].str.endswith(f"{instant:%Y-%m-%d %H:%M}")].reset_index(drop=True),
            "facts": facts(connection, folder),
            "lists": lists(folder / "feat_customer_history.parquet"),
        }
    yield REST, frames
