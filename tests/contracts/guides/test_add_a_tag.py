"""The example in docs/add-a-tag.md works: its changes are applied to a copy, built and compared with receipts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from settings import ROOT
from tests.support.copied_code import copy_code

PATCHES = re.findall(r"```diff\n(.*?)```", (ROOT / "docs" / "add-a-tag.md").read_text(), re.DOTALL)

EVALUATE = """
import json
from ml.customers.inputs import Inputs
from ml.customers.tags import habits
from ml.customers.tags.declarations import TAGS
from settings import load_settings
from datetime import datetime

settings = load_settings()
[habit] = [habit for habit in TAGS.habits if habit.name == "small_basket_share"]
inputs = Inputs(settings.paths.staged_features, [datetime.fromisoformat("{instant}")], 1)
data = habits.read(inputs, [habit])
measure = habits.evaluate(data, habit, 1)
tags = dict(zip(data.ids, data.columns[habit.column]))
print(json.dumps({{"reliability": measure.value, "bar": measure.bar, "tags": tags}}))
"""

RECEIPTS = """
    WITH baskets AS (
        SELECT customer_id, basket_id, max(transaction_at) AS bought_at, count(DISTINCT product_id) AS products
        FROM '{data}/admitted/transactions.parquet'
        WHERE customer_id IS NOT NULL AND quantity >= 0 AND sales_value >= 0 GROUP BY ALL
    )
    SELECT customer_id, avg((products <= 3)::INT) FROM baskets
    WHERE bought_at < TIMESTAMP '{instant}' AND bought_at >= TIMESTAMP '{since}' GROUP BY ALL
"""


def run(project: Path, environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def test_a_tag_is_one_column_in_the_model_its_contract_and_two_declarations() -> None:
    touched = re.findall(r"^\+\+\+ b/(.*)$", "\n".join(PATCHES), re.MULTILINE)
    assert touched == [
        "dbt/models/marts/features/feat_customer_habits.sql",
        "dbt/models/marts/features/_features__models.yml",
        "features/declarations.py",
        "ml/customers/tags/declarations.py",
    ]


def test_the_tag_is_evaluated_and_equals_the_receipts(small_landing: Path, tmp_path: Path) -> None:
    project, data = copy_code(tmp_path / "project"), tmp_path / "data"
    for patch in PATCHES:
        subprocess.run(["git", "apply", "--recount", "-"], input=patch, text=True, cwd=project, check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REACH_", "PYTEST_"))}
    environment |= {"REACH_DATA": str(data), "REACH_LANDING": str(small_landing), "REACH_SNAPSHOTS": "5"}
    python = sys.executable
    as_of = json.loads(run(project, environment, python, "-m", "landing", "admit"))["as_of"]
    run(project, environment, python, "-m", "landing", "accept")
    variables = run(project, environment, python, "-m", "landing", "dbt-vars", "--as-of", as_of)
    (data / "warehouse").mkdir()
    (data / "features" / "staged").mkdir(parents=True)
    folders = ["--project-dir", "dbt", "--profiles-dir", "dbt", "--target-path", str(data / "dbt")]
    build = [python, "-m", "dbt.cli.main", "run", "--select", "+feat_customer_habits", *folders]
    run(project, environment, *build, "--log-path", str(data / "dbt" / "logs"), "--vars", variables)

    instant = json.loads(variables)["as_of_instant"]
    found = json.loads(run(project, environment, python, "-c", EVALUATE.format(instant=instant)))
    with duckdb.connect(str(data / "warehouse" / "reach.duckdb"), read_only=True) as warehouse:
        [(since,)] = warehouse.execute(
            f"SELECT since_26w FROM int_snapshots WHERE snapshot_at = TIMESTAMP '{instant}'"
        ).fetchall()
    receipts = dict(duckdb.execute(RECEIPTS.format(data=data, instant=instant, since=since)).fetchall())

    assert found["bar"] == 0.8
    assert -1 < found["reliability"] < 1
    assert len(found["tags"]) > 10
    assert found["tags"] == pytest.approx({customer: receipts[customer] for customer in found["tags"]})
