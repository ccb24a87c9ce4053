"""dbt by hand on a warehouse whose features are published: a model is edited and built alone, at any time."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from feature_store.publish import publish
from features.errors import StagedFeaturesError
from settings import ROOT, Settings
from tests.dbt_project.conftest import Built
from tests.support.dbt_project.runs import FEATURES, PROJECT, dbt, messages, staged
from tests.support.dbt_project.shop import SNAPSHOTS, Shop

DAY = date(2017, 12, 4)
MODEL = Path("models", "marts", "features", "feat_product_content.sql")


def count(data: Path, table: str) -> int:
    with duckdb.connect(str(data / "warehouse" / "reach.duckdb"), read_only=True) as warehouse:
        row = warehouse.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def finished(built: Built) -> Settings:
    """The shop after a run: its features are published."""
    settings = Settings(data=built.data)
    assert publish(settings, DAY).publication.as_of == DAY
    return settings


@pytest.fixture
def copied(finished: Settings, tmp_path: Path) -> Settings:
    """The same for a test that changes it."""
    shutil.copytree(finished.data, tmp_path / "data", symlinks=True)
    return Settings(data=tmp_path / "data")


def test_every_feature_table_can_be_queried_after_a_run(finished: Settings):
    assert {feature: count(finished.data, f"feat_{feature}") > 0 for feature in FEATURES} == dict.fromkeys(
        FEATURES, True
    )


def test_a_model_edited_after_a_run_is_built_alone_and_published_only_with_the_others(copied: Settings, tmp_path: Path):
    project = tmp_path / "dbt"
    shutil.copytree(PROJECT, project)
    model = project / MODEL
    model.write_text(model.read_text().replace("        brand,", "        upper(brand) as brand,"))
    published = sorted(copied.paths.features.resolve().glob("*.parquet"))
    before = [file.read_bytes() for file in published]

    # Without variables: the warehouse records the day.
    result = dbt(copied.data, "run", "--select", "feat_product_content", snapshots=[], project=project)

    assert result.success, messages(result)
    with duckdb.connect(str(copied.paths.warehouse), read_only=True) as warehouse:
        found = warehouse.execute("SELECT count(*) FROM feat_product_content WHERE brand = 'PRIVATE'").fetchall()
        assert found > [(0,)]
    assert [file.read_bytes() for file in published] == before
    with pytest.raises(StagedFeaturesError, match="not written by one dbt run"):
        publish(copied, DAY)


def test_dbt_without_variables_keeps_the_day_and_the_points_in_time_of_the_run(copied: Settings):
    result = dbt(copied.data, "run", "--select", "int_run", "int_snapshots", snapshots=[])
    assert result.success, messages(result)
    with duckdb.connect(str(copied.paths.warehouse), read_only=True) as warehouse:
        assert warehouse.execute("SELECT as_of, timezone FROM int_run").fetchall() == [(DAY, "America/New_York")]
        found = warehouse.execute("SELECT snapshot_at FROM int_snapshots ORDER BY 1 DESC").fetchall()
    assert [row[0] for row in found] == SNAPSHOTS


@pytest.mark.parametrize(("setting", "limit"), [("", Settings().memory), ("300MiB", "300MiB")])
def test_the_build_takes_the_memory_it_was_given_or_a_share_of_the_machines(
    setting: str, limit: str, finished: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REACH_MEMORY", setting)
    (row,) = shown(finished.data, "select current_setting('memory_limit') as value")
    with duckdb.connect(config={"memory_limit": limit}) as same:
        assert row["value"] == same.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]


def shown(data: Path, query: str) -> list[dict[str, str]]:
    """Return the result of a query by dbt's own connection."""
    result = dbt(data, "show", "--inline", query, snapshots=[])
    assert result.success
    found: Any = result.result
    table = found.results[0].agate_table
    return [dict(zip(table.column_names, row.values(), strict=True)) for row in table.rows]


def test_a_warehouse_that_was_never_built_has_no_day_and_dbt_says_what_to_do(tmp_path: Path):
    Shop().write(tmp_path)
    result = dbt(tmp_path, "run", "--select", "int_run", snapshots=[])
    assert not result.success
    assert "No day is known yet: run 'make features'" in messages(result)


def test_without_any_table_dbt_says_one_sentence_and_builds_nothing(tmp_path: Path):
    (tmp_path / "warehouse").mkdir()
    result = dbt(tmp_path, "run", snapshots=[])
    assert "There are no admitted tables in the data directory" in str(result.exception)
    assert result.result is None


def make_dbt(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "dbt", *arguments],
        cwd=ROOT,
        env={**os.environ, "REACH_DATA": str(settings.data)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_gives_dbt_the_admitted_day_and_its_folders(copied: Settings):
    (copied.paths.admitted / "manifest.json").write_text(json.dumps({"as_of": str(DAY)}))
    before = (copied.paths.dbt_target / "manifest.json").read_bytes()
    (copied.paths.warehouse.parent / "tmp").mkdir()  # left by a killed build
    (copied.paths.warehouse.parent / "tmp" / "duckdb_temp_storage-0.tmp").write_bytes(b"spilt")

    done = make_dbt(copied, "run", "--select", "int_run", "feat_product_content")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"dbt uses rows known before {DAY}" in done.stdout
    assert count(copied.data, "feat_product_content") > 0
    assert staged(copied.data, "product_content").stat().st_nlink == 1  # a new file, not the published one
    assert (copied.paths.dbt_target / "manifest.json").read_bytes() == before  # Airflow's
    assert not list(copied.paths.warehouse.parent.glob("tmp/*"))


def test_the_command_refuses_in_a_sentence_while_the_warehouse_is_in_use(copied: Settings):
    (copied.paths.admitted / "manifest.json").write_text(json.dumps({"as_of": str(DAY)}))
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb; c = duckdb.connect({str(copied.paths.warehouse)!r}); print('open', flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        done = make_dbt(copied, "show", "--select", "feat_product_content")
    finally:
        holder.communicate("\n")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: Another process has the warehouse {copied.paths.warehouse} open")
    assert "Traceback" not in done.stderr


def test_the_command_without_admitted_tables_says_what_to_run(tmp_path: Path):
    done = make_dbt(Settings(data=tmp_path / "empty"), "build")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: Nothing is admitted in")
