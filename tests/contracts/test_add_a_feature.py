"""The worked example in docs/add-a-feature.md works: its changes are applied to a copy and followed to the model."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from settings import ROOT

GUIDE = ROOT / "docs" / "add-a-feature.md"
ROOMS = ("core", "dbt", "feature_repo", "features", "landing", "live", "scoring")


@pytest.fixture(scope="module")
def changed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rooms that a feature passes through, with the guide's changes."""
    project = tmp_path_factory.mktemp("project")
    for room in ROOMS:
        shutil.copytree(ROOT / room, project / room, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    shutil.copy(ROOT / "settings.py", project)
    patches = re.findall(r"```diff\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(patches) == 3
    for patch in patches:
        subprocess.run(["git", "apply", "--recount", "-"], input=patch, text=True, cwd=project, check=True)
    return project


@pytest.fixture(scope="module")
def environment(small_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REACH_")}
    return kept | {
        "REACH_DATA": str(tmp_path_factory.mktemp("data")),
        "REACH_LANDING": str(small_landing),
        "REACH_MAX_CUSTOMERS": "25",
        "REACH_SNAPSHOTS": "5",
    }


def run(project: Path, environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def test_a_feature_goes_from_sql_to_the_rankers_columns(changed_project: Path, environment: dict[str, str]):
    python = sys.executable
    as_of = json.loads(run(changed_project, environment, python, "-m", "landing", "admit"))["as_of"]
    run(changed_project, environment, python, "-m", "landing", "accept")
    variables = run(changed_project, environment, python, "-m", "landing", "dbt-vars", "--as-of", as_of)
    data = Path(environment["REACH_DATA"])
    (data / "warehouse").mkdir()
    (data / "features" / "staged").mkdir(parents=True)
    run(
        changed_project,
        environment,
        *(python, "-m", "dbt.cli.main", "build", "--project-dir", "dbt", "--profiles-dir", "dbt"),
        *("--target-path", str(data / "dbt"), "--log-path", str(data / "dbt" / "logs"), "--vars", variables),
    )
    profile = data / "features" / "staged" / "feat_customer_profile.parquet"
    spend, baskets = duckdb.sql(f"select sum(basket_spend_mean * baskets), sum(baskets) from '{profile}'").fetchall()[0]
    assert spend > baskets > 0  # a basket costs more than one unit of money on average

    run(changed_project, environment, python, "-m", "feature_repo", "publish", "--as-of", as_of)
    run(changed_project, environment, python, "-m", "feature_repo", "apply")
    names = "import json; from scoring.features import NUMERIC; print(json.dumps(NUMERIC))"
    assert "customer_basket_spend_mean" in json.loads(run(changed_project, environment, python, "-c", names))
