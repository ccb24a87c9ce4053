"""Define the second checkpoint: the feature tables that dbt staged."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from core.duckdb_engine import connect
from quality.checkpoints import Stages
from quality.errors import NothingToCheckError
from quality.frames.features import bought_until, facts, keys, lists, snapshots, times
from quality.frames.files import files_frame
from quality.frames.profile import profile
from quality.frames.sources import explained
from quality.suites.features import (
    ALIGNED_TABLES,
    CAMPAIGN_TABLES,
    FILES,
    GROWING_TABLES,
    REST,
    RULES,
    SNAPSHOT_TABLES,
    TABLES,
    WINDOW_TABLES,
)
from settings import Settings

CLOCK = timedelta(days=1)
"""A window ends a day earlier, so that no clock decides whether a table must have rows."""


def feature_stages(settings: Settings, as_of: date, spill: Path) -> Stages:
    """Yield the stages of the feature tables.

    Raises:
        NothingToCheckError: dbt has not staged any table.
    """
    folder, instant = settings.paths.staged_features, settings.start_of_day(as_of)
    if not any(folder.glob("*.parquet")):
        raise NothingToCheckError(f"{folder} holds no feature table. Run dbt build for {as_of} first.")
    with connect(spill, settings.duckdb_memory("25%")) as connection:
        instants = settings.snapshot_instants(as_of)
        newest_purchase = bought_until(connection, settings.paths.admitted)
        # Without a purchase in a table's last window, or in any, it has no rows for the day, or none at all.
        looks_back = {table: window + CLOCK for table, window in WINDOW_TABLES.items()}
        least = {
            table: int(table not in looks_back or newest_purchase > min(instants) - looks_back[table])
            for table in TABLES
        }
        least |= dict.fromkeys(CAMPAIGN_TABLES, 0)
        yield FILES, {"files": files_frame(connection, folder, least)}
        moments = snapshots(connection, folder, SNAPSHOT_TABLES, instants)
        growing = moments["subject"].str.startswith(GROWING_TABLES)
        newest = moments["subject"].str.endswith(f"{instant:%Y-%m-%d %H:%M}")
        for table, window in looks_back.items():
            if newest_purchase <= instant - window:
                newest &= ~moments["subject"].str.startswith(table)
        profiles = [
            profile(folder / f"{table}.parquet", {*names, "event_timestamp", "created_timestamp"}, RULES)
            for table, names in TABLES.items()
        ]
        found = pd.concat(profiles, ignore_index=True)
        frames = {
            "profile": explained(connection, found, settings.paths.admitted, instants, settings.timezone),
            "keys": keys(connection, folder, TABLES, "event_timestamp"),
            "times": times(connection, folder, list(TABLES), instant),
            "snapshots": moments,
            "growth": moments[growing].reset_index(drop=True),
            "newest": moments[newest].reset_index(drop=True),
            "facts": facts(connection, folder),
            "lists": pd.concat([lists(folder / f"{table}.parquet") for table in ALIGNED_TABLES], ignore_index=True),
        }
    yield REST, frames
