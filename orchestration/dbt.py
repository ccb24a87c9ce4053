"""dbt in Airflow: one `dbt build` does the work, and every model is a task that watches its part of it.

Cosmos' WATCHER mode, because DuckDB allows one writing process: a dbt process a model would need the file
in turn and load dbt again each time. The graph comes from the manifest, so parsing the DAG needs no dbt.
"""

import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import Context, TaskGroup
from airflow.sdk.exceptions import AirflowFailException
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior
from cosmos.exceptions import CosmosDbtRunError
from cosmos.operators.watcher import DbtProducerWatcherOperator, DbtRunWatcherOperator

from orchestration import pools
from orchestration.by_hand import by_hand
from orchestration.operators import ROOT
from settings import load_settings

PROJECT = ROOT / "dbt"


class ManifestMissingError(Exception):
    """The DAG cannot be drawn, because dbt has not described its models yet."""


class RetryableBuild(DbtProducerWatcherOperator):
    """Cosmos' producer that builds again when Airflow tries it again.

    Cosmos skips a second try and lets each watcher run its own model, without the data tests. `dbt build` may
    be repeated safely, so after a crash the right answer is the whole build once more, tests included.
    """

    def execute(self, context: Context, **kwargs: Any) -> Any:
        """Build everything, also at a second try; an error of dbt fails without another try."""
        paths = load_settings().paths
        # Spill files of a killed build; nothing else writes to the warehouse now.
        shutil.rmtree(paths.warehouse.parent / "tmp", ignore_errors=True)
        for folder in (paths.warehouse.parent, paths.staged_features):
            # DuckDB makes files, but not the folders they lie in.
            folder.mkdir(parents=True, exist_ok=True)
        self.log.info(
            "The same by hand, with the variables of the day that is admitted: %s",
            by_hand(["make", "dbt", "ARGS=build"]),
        )
        task_instance: Any = context["ti"]
        first_try = task_instance.model_copy(update={"try_number": 1})
        try:
            return super().execute({**context, "ti": first_try, "task_instance": first_try}, **kwargs)
        except CosmosDbtRunError as error:
            # A failure of dbt repeats on the same models and data.
            raise AirflowFailException(f"dbt: {error}") from error


class WatchOnly(DbtRunWatcherOperator):
    """Cosmos' watcher that only ever watches; see `RetryableBuild`."""

    def _handle_retry(self, try_number: int, producer_task_state: str | None, context: Context) -> bool | None:
        return None

    def _fallback_to_non_watcher_run(self, try_number: int, context: Context) -> bool:
        raise AirflowFailException(
            f"dbt did not build this model. When the cause is gone, clear '{self.producer_task_id}' with its "
            "downstream tasks."
        )


def dbt_models(group_id: str, manifest: Path, variables: str, timeout_minutes: int) -> TaskGroup:
    """Build, test and publish every dbt model.

    Args:
        group_id: id of the task group.
        manifest: dbt's manifest.json, from which the tasks are drawn.
        variables: Airflow template that gives dbt's variables as JSON: `as_of` is known at run time only.
        timeout_minutes: time limit of the build.

    Raises:
        ManifestMissingError: there is no such file; Airflow shows this as the DAG's import error.
    """
    if not manifest.is_file():
        raise ManifestMissingError(f"There is no {manifest}. Run 'make manifest', which lets dbt write it.")
    # Cosmos reads what dbt compiled from a `target` next to its working copy of the project.
    flags = ["--target-path", "target"]
    group: TaskGroup = DbtTaskGroup(
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
                "pool": pools.DATA,
                "execution_timeout": timedelta(minutes=timeout_minutes),
                # The tests run in the build, where a failure keeps what depends on the model from being built.
                "dbt_cmd_flags": [*flags, "--resource-type", "test", "--resource-type", "unit_test"],
            },
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            # No tasks for tests: each would take a second to look at what the build has already decided.
            test_behavior=TestBehavior.NONE,
            # Hand-overs between DAGs are declared in assets.py; an asset a model would only hide them.
            emit_datasets=False,
        ),
        operator_args={
            "vars": variables,
            "dbt_cmd_flags": flags,
            "pool": pools.DBT,
            # Few watch at a time and hold nothing else up, so they need no triggerer.
            "deferrable": False,
            "poke_interval": 2,
        },
    )
    # Cosmos names its operators by execution mode and takes no others; ours differ only in what a retry does.
    tasks: Iterable[Any] = group.iter_tasks()
    for task in tasks:
        if type(task) is DbtProducerWatcherOperator:
            task.__class__ = RetryableBuild
        elif type(task) is DbtRunWatcherOperator:
            task.__class__ = WatchOnly
            # The failed build has already sent its message.
            task.on_failure_callback = []
    return group
