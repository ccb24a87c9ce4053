"""The project's own rules: documented to the last column, unit-tested, and portable but for its named macros."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from feature_repo.services import SERVICES
from features.declarations import TABLES
from tests.dbt_project.conftest import Built
from tests.support.dbt_project.runs import FEATURES, PROJECT, dbt

MODELS = sorted((PROJECT / "models").rglob("*.sql"))
# Functions and notations that only DuckDB has, or that differ elsewhere.
DUCKDB_ONLY = re.compile(
    r"\blist_\w+\(|\blist\(|\bquantile_cont|\bstring_split|\bread_parquet|\bat time zone|\bdate_diff|\bbit\w*\("
    r"|\bstruct_pack|\barg_max|\bexclude\b|\bqualify\b|\basof\b|group by all|::",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def manifest(built: Built) -> dict[str, Any]:
    return json.loads((built.data / "dbt" / "manifest.json").read_text())


def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def without_macros(sql: str) -> str:
    """The SQL a model writes itself: calls of macros, loops and comments taken out."""
    return re.sub(r"{{.*?}}|{%.*?%}|{#.*?#}|--[^\n]*", "", sql, flags=re.DOTALL)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_leaves_what_only_duckdb_understands_to_a_macro(model: Path):
    assert DUCKDB_ONLY.findall(without_macros(model.read_text())) == []


def test_the_search_for_duckdbs_own_sql_would_find_some():
    found = [DUCKDB_ONLY.search(macro.read_text()) for macro in (PROJECT / "macros" / "engine").glob("*.sql")]
    assert len(found) >= 5
    assert all(found)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_imports_first_and_ends_with_final(model: Path):
    sql = model.read_text()
    assert re.search(r"^select \* from final$", sql, re.MULTILINE)
    assert sql.count("source(") == (1 if model.stem.startswith("stg_") else 0)


def test_every_model_says_its_grain_and_describes_every_column(manifest: dict[str, Any], built: Built):
    with duckdb.connect(str(built.data / "warehouse" / "reach.duckdb"), read_only=True) as warehouse:
        for name, model in models(manifest).items():
            assert model["description"].startswith("One row per "), name
            columns = [row[0] for row in warehouse.execute(f"DESCRIBE {name}").fetchall()]
            described = [column for column, facts in model["columns"].items() if facts["description"]]
            assert sorted(described) == sorted(columns), name


def test_every_model_with_logic_has_a_unit_test(manifest: dict[str, Any]):
    # These rename and cast, and nothing else.
    plain = {"stg_landing__campaigns"}
    # The same lines as int_products_keyed, which has one.
    siblings = {"int_stores_keyed"}
    tested = {unit["model"] for unit in manifest["unit_tests"].values()}
    assert set(models(manifest)) - tested == plain | siblings


def test_every_consumer_is_exposed_to_exactly_what_it_reads(manifest: dict[str, Any]):
    exposures = {
        one["name"]: {node.rsplit(".", 1)[1] for node in one["depends_on"]["nodes"]}
        for one in manifest["exposures"].values()
    }
    for name in ("customer_model", "feature_store"):
        assert exposures[name] == {f"feat_{table.name}" for table in TABLES}
    views = {view for members, _ in SERVICES.values() for view in members}
    assert exposures["recommender"] == {f"feat_{view}" for view in views}


def test_no_feature_is_made_from_feedback_that_nobody_cut_at_the_day_of_the_run(manifest: dict[str, Any]):
    pending, seen = [f"model.reach.feat_{feature}" for feature in FEATURES], set()
    while pending:
        node = pending.pop()
        seen.add(node)
        pending += manifest["nodes"][node]["depends_on"]["nodes"] if node in manifest["nodes"] else []
    assert "source.reach.landing.events" in seen
    assert {node for node in seen if node.startswith("source.reach.feedback")} == set()


def test_every_landing_table_is_used(manifest: dict[str, Any]):
    used = {parent for model in models(manifest).values() for parent in model["depends_on"]["nodes"]}
    assert set(manifest["sources"]) <= used


def test_the_project_is_read_without_variables_for_airflows_graph(tmp_path: Path):
    assert dbt(tmp_path, "parse", snapshots=[]).success
    assert (tmp_path / "dbt" / "manifest.json").exists()
