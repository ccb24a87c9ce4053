"""The worked example in docs/add-a-feature.md works: its changes are applied to a copy and followed to the service."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import ROOT
from tests.support.copied_code import copy_code

GUIDE = ROOT / "docs" / "add-a-feature.md"
TESTS = ("tests/features", "tests/scoring/customer/test_realtime.py", "tests/ml/studies/test_cold_start.py")
CONTRACT = "tests/contracts/words/test_feature_names.py"
PATCHES = re.findall(r"```diff\n(.*?)```", GUIDE.read_text(), re.DOTALL)

REACHES = """
import json
from features.page import page
from feature_store.offline_store import open_store
from scoring.rank_features import NUMERIC
from scoring.schema import PROFILE
from settings import load_settings
view = open_store(load_settings()).get_feature_view("customer_profile")
print(json.dumps({
    "Feast's view": {field.name: str(field.dtype) for field in view.features},
    "the tower's inputs": PROFILE,
    "the rankers' columns": NUMERIC,
    "docs/features.md": page(),
}))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages that a feature passes through, with the guide's changes."""
    project = copy_code(tmp_path_factory.mktemp("project"))
    (project / "docs").mkdir()
    for patch in PATCHES:
        subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=project, check=True)
    return project


@pytest.fixture(scope="module")
def environment(small_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REACH_", "PYTEST_"))}
    return kept | {
        "REACH_DATA": str(tmp_path_factory.mktemp("data")),
        "REACH_LANDING": str(small_landing),
        "REACH_MAX_CUSTOMERS": "60",
        "REACH_SNAPSHOTS": "5",
    }


@pytest.fixture(scope="module")
def variables(project: Path, environment: dict[str, str]) -> dict:
    """The variables of a build of the copy whose feature tables are published and registered."""
    python, data = sys.executable, Path(environment["REACH_DATA"])
    as_of = json.loads(run(project, environment, python, "-m", "landing", "admit"))["as_of"]
    run(project, environment, python, "-m", "landing", "accept")
    told = run(project, environment, python, "-m", "landing", "dbt-vars", "--as-of", as_of)
    (data / "warehouse").mkdir()
    (data / "features" / "staged").mkdir(parents=True)
    folders = ["--project-dir", "dbt", "--profiles-dir", "dbt", "--target-path", str(data / "dbt")]
    folders += ["--log-path", str(data / "dbt" / "logs")]
    build = [python, "-m", "dbt.cli.main", "build", "--exclude-resource-type", "unit_test", *folders, "--vars", told]
    run(project, environment, *build)
    shutil.copytree(data / "features" / "staged", data / "compared" / "features" / "staged")
    (data / "compared" / "admitted").symlink_to(data / "admitted")
    run(project, environment, python, "-m", "feature_store", "publish", "--as-of", as_of)
    run(project, environment, python, "-m", "feature_store", "apply")
    return json.loads(told)


def run(project: Path, environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def test_the_guide_touches_three_places_the_sql_its_contract_and_the_declaration() -> None:
    touched = re.findall(r"^\+\+\+ b/(.*)$", "\n".join(PATCHES), re.MULTILINE)
    assert touched == [
        "dbt/models/marts/features/feat_customer_profile.sql",
        "dbt/models/marts/features/_features__models.yml",
        "features/declarations.py",
    ]


def test_after_live_purchases_the_feature_is_what_dbt_makes_of_the_same_purchases(
    project: Path, environment: dict[str, str], variables: dict
) -> None:
    later, earlier, *_ = variables["snapshots"]
    compared = str(Path(environment["REACH_DATA"]) / "compared")
    command = [sys.executable, "-m", "tests.support.dbt_project.live_comparison", compared, earlier, later]
    found = json.loads(run(project, environment, *command))
    name = "customer_profile.basket_spend_mean"
    assert found["customers"] > 10
    assert found["right"][name] == 1.0
    assert found["error"][name] < 1e-6  # relative to the error of the last build


@pytest.mark.usefixtures("variables")
def test_the_feature_reaches_feast_the_models_and_the_docs(project: Path, environment: dict[str, str]) -> None:
    reached = json.loads(run(project, environment, sys.executable, "-c", REACHES))
    assert reached["Feast's view"]["basket_spend_mean"] == "Float64"
    assert "basket_spend_mean" in reached["the tower's inputs"]
    assert "customer_basket_spend_mean" in reached["the rankers' columns"]
    assert (
        "| `basket_spend_mean` | number | Mean money paid for a basket, ever. | ever |" in reached["docs/features.md"]
    )


def test_no_test_of_features_needs_a_fourth_change(project: Path, environment: dict[str, str]) -> None:
    run(project, environment, sys.executable, "-m", "features")
    said = run(project, environment, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS, CONTRACT)
    assert said.endswith("[100%]")
