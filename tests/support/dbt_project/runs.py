"""dbt as the other steps start it, in this process, on a data folder of the test's own."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
from dbt.cli.main import dbtRunner, dbtRunnerResult

from settings import ROOT
from tests.support.dbt_project.shop import SNAPSHOTS, TIMEZONE

PROJECT = ROOT / "dbt"
FEATURES = (
    "customer_history",
    "customer_profile",
    "customer_purchases",
    "customer_categories",
    "customer_habits",
    "customer_outcomes",
    "customer_offers",
    "customer_redemptions",
    "campaign_coupons",
    "product_content",
    "product_activity",
)


def variables(snapshots: list[datetime]) -> str:
    """The variables of a run whose day is the first snapshot, as JSON."""
    day = snapshots[0].replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(TIMEZONE)).date()
    return json.dumps(
        {
            "as_of": day.isoformat(),
            "as_of_instant": str(snapshots[0]),
            "timezone": TIMEZONE,
            "snapshots": [str(snapshot) for snapshot in snapshots],
        }
    )


def dbt(data: Path, *command: str, snapshots: list[datetime] | None = None, project: Path = PROJECT) -> dbtRunnerResult:
    """Run one dbt command; it writes to <data>/dbt. `snapshots=[]` leaves the variables' defaults."""
    folders = {
        "project-dir": project,
        "profiles-dir": project,
        "target-path": data / "dbt",
        "log-path": data / "dbt" / "logs",
    }
    arguments = [*command, *(word for name, folder in folders.items() for word in (f"--{name}", str(folder)))]
    if snapshots != []:
        arguments += ["--vars", variables(snapshots or SNAPSHOTS)]
    with _data_folder(data):
        return dbtRunner().invoke(["--quiet", *arguments])


def statuses(result: dbtRunnerResult) -> dict[str, str]:
    """Status by the name of a model or test, e.g. {'dim_products': 'success', 'unique_...': 'pass'}."""
    results: Any = result.result
    return {one.node.name: str(one.status) for one in results.results if one.node.resource_type != "operation"}


def messages(result: dbtRunnerResult) -> str:
    results: Any = result.result
    return "\n".join(str(one.message) for one in results.results)


def staged(data: Path, feature: str) -> Path:
    return data / "features" / "staged" / f"feat_{feature}.parquet"


def rows(data: Path, feature: str, where: str = "true") -> list[dict[str, Any]]:
    """The staged rows of a feature, ordered by key and time."""
    cursor = duckdb.connect().execute(f"SELECT * FROM '{staged(data, feature)}' WHERE {where} ORDER BY 1, 2")
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def _data_folder(data: Path) -> Iterator[None]:
    before = os.environ.get("REACH_DATA")
    os.environ["REACH_DATA"] = str(data)
    try:
        yield
    finally:
        if before is None:
            del os.environ["REACH_DATA"]
        else:
            os.environ["REACH_DATA"] = before
