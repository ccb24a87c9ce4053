"""A shop of 1,200 customers who are exposed to an experiment, some on its second day, and buy and click."""

from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from experiments.assignment import assign, experiment_key
from online_experiments.announcement import Announcement
from settings import Settings
from tests.support.marketing.measured_campaign import CUSTOMERS, DECIDED_AT, write_admission, write_manifest

IDS = np.array([f"c{number:04}" for number in range(CUSTOMERS)])
COLUMNS = (
    "request_id VARCHAR, experiment_id VARCHAR, customer_id VARCHAR, variant VARCHAR, served VARCHAR, "
    "is_override BOOLEAN, exposed_at TIMESTAMP, clicked_at TIMESTAMP"
)


def assigned(announcement: Announcement) -> np.ndarray:
    """Return the variant of each customer."""
    key = experiment_key(bytes.fromhex(announcement.salt), announcement.id)
    return assign(key, IDS, announcement.experiment.shares)


def exposures(announcement: Announcement, variant: np.ndarray, click_lift: float = 0.0) -> pa.Table:
    """Return three answers of each customer, the first within a day of the start; 30% are clicked.

    Args:
        announcement: The experiment.
        variant: Text `[customers]`.
        click_lift: How much more often answers are clicked outside the control, as a share.
    """
    rng = np.random.default_rng(11)
    hours = rng.integers(0, 20, CUSTOMERS)[:, None] + 24 * np.array([0, 4, 9])
    at = DECIDED_AT + hours.astype("timedelta64[h]")
    chance = 0.3 * (1 + click_lift * (variant != announcement.experiment.control))
    clicked = np.where(rng.random(at.shape) < chance[:, None], at + np.timedelta64(60, "s"), np.datetime64("NaT"))
    return pa.table(
        {
            "request_id": [f"r{number}" for number in range(at.size)],
            "experiment_id": [announcement.id] * at.size,
            "customer_id": np.repeat(IDS, 3),
            "variant": np.repeat(variant, 3),
            "served": ["variant"] * at.size,
            "is_override": np.zeros(at.size, bool),
            "exposed_at": at.ravel(),
            "clicked_at": clicked.ravel(),
        }
    )


def write_warehouse(settings: Settings, rows: pa.Table, newest: datetime = datetime(2017, 11, 8)) -> None:
    """Write the facts of feedback as far as an analysis reads them."""
    settings.paths.warehouse.parent.mkdir(parents=True, exist_ok=True)
    settings.paths.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(settings.paths.warehouse)) as connection:
        connection.register("rows", rows)
        connection.execute(f"CREATE TABLE fct_exposures ({COLUMNS})")
        connection.execute("INSERT INTO fct_exposures BY NAME SELECT * FROM rows")
        connection.execute("CREATE TABLE fct_decisions (decided_at TIMESTAMP)")
        connection.execute("CREATE TABLE fct_events AS SELECT ?::TIMESTAMP AS received_at", [newest])


def write_shop(data: Path, announcement: Announcement, lift: float = 0.0, click_lift: float = 0.0) -> Settings:
    """Write a shop in which customers outside the control spend `lift` more, and return its settings."""
    settings, variant = Settings(data=data), assigned(announcement)
    treated = np.where(variant == announcement.experiment.control, "holdout", "treated")
    write_admission(data, treated, lift)
    write_manifest(data)
    write_warehouse(settings, exposures(announcement, variant, click_lift))
    return settings
