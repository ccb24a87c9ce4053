"""dbt in Airflow: one `dbt build` does the work, and every model is a task that watches its part of it.

Cosmos' WATCHER mode, because DuckDB allows one writing process: a dbt process a model would need the file
in turn and load dbt anew each time. The graph comes from the manifest, so parsing the DAG needs no dbt.
"""

from datetime import timedelta
from pathlib import Path

from airflow.sdk import TaskGroup
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior

from dags import _pools
from dags._steps import ROOT

PROJECT = ROOT / "dbt"


class ManifestMissingError(Exception):
    """The DAG cannot be drawn, for dbt has not described its models yet."""


def dbt_models(group_id: str, manifest: Path, variables: str, timeout_minutes: int) -> TaskGroup:
    """Build, test and publish every dbt model.

    Args:
        manifest: dbt's manifest.json, from which the tasks are drawn.
        variables: Airflow template that gives dbt's variables as JSON: `as_of` is known at run time only.

    Raises:
        ManifestMissingError: there is no such file; Airflow shows this as the DAG's import error.
    """
    if not manifest.is_file():
        raise ManifestMissingError(f"There is no {manifest}. Run 'make manifest', which lets dbt write it.")
    return DbtTaskGroup(
        group_id=group_id,
        project_config=ProjectConfig(
            dbt_project_path=PROJECT, manifest_path=manifest, install_dbt_deps=False, project_name="reach"
        ),
        profile_config=ProfileConfig(
            profile_name="reach", target_name="duckdb", profiles_yml_filepath=PROJECT / "profiles.yml"
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.WATCHER,
            invocation_mode=InvocationMode.DBT_RUNNER,
            setup_operator_args={
                "pool": _pools.DATA,
                "execution_timeout": timedelta(minutes=timeout_minutes),
            },
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            # A model's data tests are its second task: what was built and what was found are told apart.
            test_behavior=TestBehavior.AFTER_EACH,
            # Hand-overs between DAGs are declared in _assets.py; an asset a model would only hide them.
            emit_datasets=False,
        ),
        operator_args={
            "vars": variables,
            # Cosmos reads what dbt compiled from a `target` beside the project's copy it works in.
            "dbt_cmd_flags": ["--target-path", "target"],
            "pool": _pools.DBT,
            # Watching is cheap and one watcher looks at a time, so it may look often and needs no triggerer.
            "deferrable": False,
            "poke_interval": 1,
        },
    )
