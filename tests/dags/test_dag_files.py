"""The DAGs as Airflow sees them: they can be read, cheaply, and explain their work to an operator."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.build.dbt_manifest import write_manifest
from orchestration.pools import SLOTS
from settings import ROOT, Settings

HEAVY = ("tensorflow", "tf_keras", "feast", "dbt", "great_expectations", "bentoml", "pandas", "onnxruntime")


def parse(home: Path, data: Path, keep: tuple[str, ...] = ()) -> dict[str, Any]:
    """Parse the DAG files in a fresh process whose data directory is `data`."""
    environment = {
        **{name: value for name, value in os.environ.items() if name in keep or not name.startswith("REACH_")},
        "REACH_DATA": str(data),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(ROOT),
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "AIRFLOW__COSMOS__CACHE_DIR": str(home / "cosmos"),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/support/dags/parsed_dags.py"), str(ROOT / "dags")],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return parsed


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which dbt has described its models."""
    folder = tmp_path_factory.mktemp("dags") / "data"
    write_manifest(Settings(data=folder))
    return folder


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[str, Any]:
    parsed = parse(tmp_path_factory.mktemp("airflow"), data)
    assert parsed["dags"], f"no DAG was found: {parsed['errors']}"
    return parsed


DAGS = [
    *("analyse_experiments", "build_features", "collect_feedback", "measure_campaigns", "monitor", "pause_outbox"),
    *("retrain_recommender", "run_campaigns", "score_customers", "send_outbox"),
]


@pytest.fixture(params=DAGS)
def dag(bag: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = bag["dags"][request.param]
    assert found["tasks"]
    return found


def test_the_dags_are_there_and_nothing_else(bag: dict[str, Any]) -> None:
    assert sorted(bag["dags"]) == DAGS
    assert bag["errors"] == {}


def test_reading_the_dags_imports_no_heavy_library(bag: dict[str, Any]) -> None:
    assert "cosmos" in bag["modules"]
    assert [name for name in HEAVY if name in bag["modules"]] == []


def test_a_missing_manifest_says_what_to_run(tmp_path: Path) -> None:
    parsed = parse(tmp_path / "airflow", tmp_path / "empty")
    assert sorted(parsed["dags"]) == [name for name in DAGS if name != "build_features"]
    assert "make manifest" in next(iter(parsed["errors"].values()))


def test_every_dbt_model_is_a_task(bag: dict[str, Any], data: Path) -> None:
    manifest = json.loads((data / "dbt" / "manifest.json").read_text())
    models = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    assert models
    tasks = bag["dags"]["build_features"]["tasks"]
    watched = {name for name, task in tasks.items() if task["type"] == "WatchOnly"}
    assert watched == {f"dbt.{model}_run" for model in models}


def test_the_dbt_build_repeats_itself_whole(bag: dict[str, Any]) -> None:
    tasks = bag["dags"]["build_features"]["tasks"]
    assert tasks["dbt.dbt_producer_watcher"]["type"] == "RetryableBuild"


def test_every_task_has_an_owner_and_a_failure_is_sent_once(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    # Of a dbt model it is the one that dbt names; Airflow's own default is no person.
    assert {task["owner"] for name, task in tasks.items() if not name.startswith("dbt.")} == {"reach"}
    assert "airflow" not in {task["owner"] for task in tasks.values()}
    # The watchers of dbt's models fail with the build, which sends the message.
    watchers = {name for name, task in tasks.items() if task["type"] == "WatchOnly"}
    assert {name for name, task in tasks.items() if "orchestration.alerts.on_failure" in task["on_failure"]} == (
        set(tasks) - watchers
    )


def test_features_are_built_by_the_clock_only_if_a_setting_says_so(
    bag: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bag["dags"]["build_features"]["timetable"] == ["NullTimetable", None, None]
    monkeypatch.setenv("REACH_FEATURES_SCHEDULE", "30 5 * * *")
    monkeypatch.setenv("REACH_TIMEZONE", "Europe/Berlin")
    parsed = parse(tmp_path / "airflow", data, keep=("REACH_FEATURES_SCHEDULE", "REACH_TIMEZONE"))
    found = parsed["dags"]["build_features"]["timetable"]
    assert found == ["CronTriggerTimetable", "30 5 * * *", "Europe/Berlin"], parsed["errors"]


def test_one_run_at_a_time_and_none_for_the_past(dag: dict[str, Any]) -> None:
    assert dag["max_active_runs"] == 1
    assert dag["catchup"] is False


def test_every_task_waits_in_a_pool_that_is_made(dag: dict[str, Any]) -> None:
    assert {task["pool"] for task in dag["tasks"].values()} <= {*SLOTS, "default_pool"}


def test_every_task_is_tried_again_and_ends_some_day(dag: dict[str, Any]) -> None:
    tasks = {name: task for name, task in dag["tasks"].items() if task["type"] != "EmptyOperator"}
    assert [name for name, task in tasks.items() if task["retries"] < 1] == []
    assert [name for name, task in tasks.items() if not task["timeout"]] == []


def test_the_operators_page_answers_what_operators_ask(dag: dict[str, Any]) -> None:
    for heading in ("Purpose", "When to press it", "What", "Clear or new run?", "Afterwards"):
        assert f"### {heading}" in dag["doc_md"]


def test_every_choice_in_the_form_is_explained_and_bounded(dag: dict[str, Any]) -> None:
    for name, schema in dag["params"].items():
        assert schema["title"], name
        assert schema["description"], name
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if "integer" in kinds:
            assert {"minimum", "maximum"} <= set(schema), name
        if "string" in kinds:
            assert "format" in schema or "maxLength" in schema, name


def test_features_and_models_are_of_a_day_that_can_be_chosen(bag: dict[str, Any]) -> None:
    chosen = {name for name, dag in bag["dags"].items() if "as_of" in dag["params"]}
    assert chosen == {"build_features", "retrain_recommender", "score_customers"}


def test_feedback_becomes_facts_by_itself_after_it_was_checked(bag: dict[str, Any]) -> None:
    dag = bag["dags"]["collect_feedback"]
    assert dag["schedule"] == "@hourly"
    tasks = dag["tasks"]
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        "collect": [],
        "check_feedback": ["collect"],
        "build_facts": ["check_feedback"],
    }
    # The warehouse has one writer at a time: the build of the features, or this.
    assert {task["pool"] for task in tasks.values()} == {"reach"}
    assert tasks["build_facts"]["outlets"] == ["feedback"]


def test_nothing_is_published_before_it_was_checked(bag: dict[str, Any]) -> None:
    features = bag["dags"]["build_features"]["tasks"]
    assert features["publish_features"]["upstream"] == ["check_features"]
    # Freshness only warns: no source of dbt has an `error_after`.
    assert "error_after" not in (ROOT / "dbt/models/staging/_staging__sources.yml").read_text()
    assert features["dbt_vars"]["upstream"] == ["accept"]
    assert features["accept"]["upstream"] == ["check_landing"]
    model = bag["dags"]["retrain_recommender"]["tasks"]
    assert model["train_retrieval"]["upstream"] == ["check_training"]
    assert model["register_model"]["upstream"] == ["gate"]


def test_a_skipped_publication_deploys_nothing(bag: dict[str, Any]) -> None:
    tasks = bag["dags"]["retrain_recommender"]["tasks"]
    assert tasks["deploy"]["upstream"] == ["register_model"]
    assert tasks["verify"]["upstream"] == ["deploy"]
    assert tasks["prune"]["upstream"] == ["verify"]
    assert (tasks["prune_runs"]["upstream"], tasks["prune_runs"]["trigger_rule"]) == (["prune"], "none_failed")
    assert {tasks[name]["trigger_rule"] for name in ("deploy", "verify", "prune")} == {"all_success"}


def test_too_little_to_train_on_skips_to_the_gate_which_decides_for_the_simple_rule(bag: dict[str, Any]) -> None:
    tasks = bag["dags"]["retrain_recommender"]["tasks"]
    assert (tasks["gate"]["upstream"], tasks["gate"]["trigger_rule"]) == (["evaluate"], "none_failed")
    skipped = ("check_training", "train_retrieval", "generate_candidates", "train_ranker", "select_ranker", "evaluate")
    assert {tasks[name]["trigger_rule"] for name in (*skipped, "register_model")} == {"all_success"}


def test_a_failed_run_has_its_page_and_stays_failed(bag: dict[str, Any]) -> None:
    """A teardown runs whatever came before it, and Airflow leaves it out when it decides the state of a run."""
    for name, last in (("build_features", "prune_data"), ("retrain_recommender", "prune_data")):
        page = bag["dags"][name]["tasks"]["page"]
        assert last in page["upstream"]
        assert (page["trigger_rule"], page["is_teardown"]) == ("all_done_setup_success", True)


def test_a_retraining_has_its_page_from_the_start(bag: dict[str, Any]) -> None:
    page = bag["dags"]["retrain_recommender"]["tasks"]["open_page"]
    assert page["upstream"] == ["build_dataset"]
    assert page["is_teardown"]  # a page that cannot be written fails no training


@pytest.mark.parametrize("name", ["retrain_recommender", "score_customers"])
def test_retraining_and_scoring_start_when_features_are_published(bag: dict[str, Any], name: str) -> None:
    assert bag["dags"][name]["assets"] == ["features"]


def test_scores_are_checked_then_published_then_materialized(bag: dict[str, Any]) -> None:
    tasks = bag["dags"]["score_customers"]["tasks"]
    order = ["resolve_run", "fit", "publishing", "register_model", "deploy", "score", "check_profiles", "publish"]
    order += ["materialize", "prune", "prune_runs"]
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        name: [before] if before else [] for name, before in zip(order, ["", *order], strict=False)
    }
    # Without a new version the champion scores the new features; without scores nothing is published.
    assert tasks["score"]["trigger_rule"] == "none_failed"
    assert {tasks[name]["trigger_rule"] for name in ("deploy", "check_profiles", "publish", "materialize")} == {
        "all_success"
    }


def test_nothing_is_planned_or_sent_in_a_new_installation(bag: dict[str, Any]) -> None:
    paused = {name for name, dag in bag["dags"].items() if dag["starts_paused"]}
    assert paused == {"run_campaigns", "send_outbox"}


def test_only_a_checked_plan_is_enqueued(bag: dict[str, Any]) -> None:
    dag = bag["dags"]["run_campaigns"]
    assert dag["schedule"] == "@hourly"
    assert {name: task["upstream"] for name, task in dag["tasks"].items()} == {
        "import_people": [],
        "recommend": ["import_people"],
        "plan": ["recommend"],
        "planned": ["plan"],
        "left_out": ["plan"],
        "report_left_out": ["left_out"],
        "each.check_plan": ["planned"],
        "each.enqueuing": ["each.check_plan"],
        "each.enqueue": ["each.enqueuing", "planned"],
    }
    assert {task["trigger_rule"] for task in dag["tasks"].values()} == {"all_success"}
    assert dag["tasks"]["each.check_plan"]["final_errors"]


def test_one_sender_runs_at_a_time_and_waits_for_no_training(bag: dict[str, Any]) -> None:
    assert SLOTS["reach_outbox"] == 1
    dag = bag["dags"]["send_outbox"]
    assert dag["schedule"] == "*/5 * * * *"
    assert {task["pool"] for task in dag["tasks"].values()} == {"reach_outbox"}


def test_the_pause_switch_waits_for_no_other_step(bag: dict[str, Any]) -> None:
    dag = bag["dags"]["pause_outbox"]
    assert {task["pool"] for task in dag["tasks"].values()} == {"default_pool"}
    assert dag["params"]["sending"]["enum"] == ["stop", "continue"]


def test_a_training_that_diverged_is_not_tried_again(bag: dict[str, Any]) -> None:
    tasks = bag["dags"]["retrain_recommender"]["tasks"]
    assert {name for name, task in tasks.items() if name.startswith("train_") and task["final_errors"]} == {
        "train_retrieval",
        "train_ranker",
    }


def test_every_step_is_a_command_that_exists(bag: dict[str, Any]) -> None:
    """Each package's own help names the step's command."""
    commands: dict[str, set[str]] = {}
    for parsed in bag["dags"].values():
        for task in parsed["tasks"].values():
            arguments = task["arguments"]
            # A mapped task gets its arguments at run time only.
            is_package = arguments and (ROOT / arguments[0].replace(".", "/") / "__main__.py").is_file()
            if is_package and "{{" not in arguments[1]:
                commands.setdefault(arguments[0], set()).add(arguments[1])
    assert set(commands) == {
        *("landing", "quality", "feature_store", "ml", "ml.customers", "registry", "customer_scores", "pages"),
        *("retention", "outbox", "marketing", "monitoring", "online_experiments"),
    }
    for package, steps in commands.items():
        done = subprocess.run(
            [sys.executable, "-m", package, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert [step for step in sorted(steps) if step not in done.stdout] == [], package
