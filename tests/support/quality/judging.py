"""Run a checkpoint's checks on planted data and return the broken expectations."""

import shutil
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from landing.admission import accept, admit
from quality.checkpoints.features import feature_stages
from quality.checkpoints.feedback import feedback_stages
from quality.checkpoints.landing import landing_stages
from quality.checkpoints.plan import plan_stages
from quality.checkpoints.profiles import profile_stages
from quality.checkpoints.training import training_stages
from quality.run import validate_stages
from quality.thresholds import load_thresholds
from settings import Settings

AS_OF = date(2018, 1, 1)


class Broken(NamedTuple):
    """Severity and offenders of a broken expectation."""

    severity: str
    details: str


def broken(checkpoint: str, data: Path, run_id: str = "r1", as_of: date = AS_OF) -> dict[str, Broken]:
    """The broken expectations of a checkpoint below the data directory, by name."""
    settings = Settings(data=data, snapshots=5)
    spill, thresholds = data / "spill", load_thresholds(checkpoint, None)
    stages = {
        "landing": lambda: landing_stages(settings, as_of, spill, thresholds),
        "features": lambda: feature_stages(settings, as_of, spill),
        "feedback": lambda: feedback_stages(settings, spill),
        "profiles": lambda: profile_stages(settings, as_of, spill, thresholds),
        "plan": lambda: plan_stages(settings, run_id, spill),
        "training": lambda: training_stages(settings, run_id, spill),
    }[checkpoint]()
    _, outcomes = validate_stages(stages, data / "site", thresholds)
    return {o.check.name: Broken(o.check.severity, o.details) for o in outcomes if not o.success}


def plant(folder: Path, table: str, query: str) -> None:
    """Rewrite a Parquet table by a query in which `{t}` stands for its present rows."""
    path = folder / f"{table}.parquet"
    step = folder / f"{table}.new"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        source = query.replace("{t}", f"read_parquet('{path}')")
        connection.execute(f"COPY ({source}) TO '{step}' (FORMAT parquet)")
    step.replace(path)


def copy_landing(landing: Path, folder: Path) -> Path:
    """A landing of one's own to plant defects in; promotions are left out, because they are many."""
    folder.mkdir(parents=True)
    for path in landing.glob("*.parquet"):
        if path.name != "promotions.parquet":
            shutil.copy(path, folder)
    return folder


def admit_landing(data: Path, landing: Path, as_of: date = AS_OF) -> None:
    settings = Settings(data=data, landing=landing)
    admit(settings, landing, as_of)
    accept(settings, as_of)
