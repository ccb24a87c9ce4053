"""
### Purpose

Takes the retailer's tables as they were known on one day and publishes the features of that day:
landing → quality checks → dbt models → quality checks → Feast's offline and online store.
When it ends well, `retrain_recommender` starts by itself.

### When to press it

When new data has landed and `REACH_FEATURES_SCHEDULE` does not
start it by the clock, or to go back to an earlier day ("what would we have known on …").

### What the choice means

* **As of**: the run sees only what was known before this day began in the shop's time zone.
  Empty: the day after the newest row, that is all there is.

### Clear or new run?

* A task failed for a reason outside (a full disk, a restart): **clear** it. Every step publishes in one move
  at its end, so a second try finds nothing half-written.
* The data was wrong and has been landed again: **new run**. Nothing was published from the failed one.
* A quality check failed: open the task's log. It names the expectation, the table and its Data Docs.

### Afterwards

`features/current` in the data directory is the published folder; the last three are kept.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param
from airflow.timetables.trigger import CronTriggerTimetable

from orchestration import pools
from orchestration.assets import FEATURES
from orchestration.dbt import dbt_models
from orchestration.defaults import defaults
from orchestration.operators import CommandOperator
from orchestration.pages import PageOperator
from settings import load_settings

SETTINGS = load_settings()
PATHS = SETTINGS.paths
# Off by default: a person, or the program that lands the data, decides when a delivery is complete.
SCHEDULE = (
    CronTriggerTimetable(SETTINGS.features_schedule, timezone=SETTINGS.timezone) if SETTINGS.features_schedule else None
)
AS_OF = "--as-of={{ ti.xcom_pull(task_ids='admit')['as_of'] }}"
DBT_FOLDERS = ["--project-dir", "dbt", "--profiles-dir", "dbt"]

with DAG(
    dag_id="build_features",
    doc_md=__doc__,
    description="From landed tables to published features, as known on one day.",
    schedule=SCHEDULE,
    catchup=False,
    # Two runs would publish over one another; the second waits.
    max_active_runs=1,
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As of",
            description="Use only what was known before this day. Empty: everything that has landed.",
        ),
    },
    default_args=defaults(timedelta(minutes=30)),
    tags=["reach"],
) as dag:
    admit = CommandOperator(
        task_id="admit",
        arguments=["landing", "admit", "{{ '--as-of=' ~ params.as_of if params.as_of else '' }}"],
        final_errors=True,
        doc_md="Checks the tables' columns and types, and writes what was known before `as_of`, for the checks only.",
    )
    check_landing = CommandOperator(
        task_id="check_landing",
        arguments=["quality", "landing", AS_OF],
        final_errors=True,
        doc_md="Great Expectations on the tables of `admit`. A critical failure stops the run and changes nothing.",
    )
    accept = CommandOperator(
        task_id="accept",
        arguments=["landing", "accept", AS_OF, "--admission={{ ti.xcom_pull(task_ids='admit')['admission'] }}"],
        final_errors=True,
        doc_md="Moves the link `admitted` to the tables that were checked; dbt reads them there.",
    )
    dbt_vars = CommandOperator(
        task_id="dbt_vars",
        arguments=["landing", "dbt-vars", AS_OF],
        doc_md="The variables dbt is built with: the points in time of the feature tables.",
    )
    models = dbt_models(
        group_id="dbt",
        manifest=PATHS.dbt_target / "manifest.json",
        variables="{{ ti.xcom_pull(task_ids='dbt_vars') | tojson }}",
        timeout_minutes=30,
    )
    freshness = CommandOperator(
        task_id="freshness",
        program="dbt",
        arguments=[
            *["source", "freshness", *DBT_FOLDERS],
            *["--target-path", str(PATHS.dbt_target / "freshness"), "--log-path", str(PATHS.dbt_target / "logs")],
            *["--vars", "{{ ti.xcom_pull(task_ids='dbt_vars') | tojson }}"],
        ],
        result=False,
        pool=pools.WAREHOUSE,
        doc_md="How old the newest row of a table was on the day of the run. Too old is a warning in the log.",
    )
    dbt_docs = CommandOperator(
        task_id="dbt_docs",
        # A folder of its own: dbt writes its manifest there too, and Airflow may be reading the other one.
        program="dbt",
        arguments=[
            *["docs", "generate", "--static", *DBT_FOLDERS],
            *["--target-path", str(PATHS.dbt_target / "docs"), "--log-path", str(PATHS.dbt_target / "logs")],
            *["--vars", "{{ ti.xcom_pull(task_ids='dbt_vars') | tojson }}"],
        ],
        result=False,
        pool=pools.WAREHOUSE,
        doc_md="dbt's documentation as one page, static_index.html.",
    )
    check_features = CommandOperator(
        task_id="check_features",
        arguments=["quality", "features", AS_OF],
        final_errors=True,
        doc_md="Great Expectations on the staged feature tables. Nothing is published before they hold.",
    )
    publish_features = CommandOperator(
        task_id="publish_features",
        arguments=["feature_store", "publish", AS_OF],
        doc_md="Gathers the staged tables in a folder named by their content, and moves the link in one step.",
    )
    apply = CommandOperator(
        task_id="apply",
        arguments=["feature_store", "apply"],
        doc_md="Registers entities, views and feature services with Feast.",
    )
    materialize = CommandOperator(
        task_id="materialize",
        arguments=["feature_store", "materialize", AS_OF],
        outlets=[FEATURES],
        doc_md="Brings every customer's newest features to the online store; then the retraining starts.",
    )

    prune_data = CommandOperator(
        task_id="prune_data",
        arguments=["retention", "prune"],
        doc_md="Deletes old logs, old Data Docs and temporary files (retention/policy.toml); logs what was freed.",
    )
    page = PageOperator(
        task_id="page",
        arguments=[
            "pages",
            "features",
            "{{ '--as-of=' ~ ti.xcom_pull(task_ids='admit')['as_of'] if ti.xcom_pull(task_ids='admit') else '' }}",
        ],
        pool="default_pool",
        final_errors=True,
        doc_md="The build's page of links, quality/<as_of>/index.html; also of a build that failed.",
    ).as_teardown()

    # Nothing is published before its checks. Freshness only warns, and no step reads the documentation.
    (
        admit
        >> check_landing
        >> accept
        >> dbt_vars
        >> models
        >> check_features
        >> publish_features
        >> apply
        >> materialize
        >> prune_data
        >> page
    )
    models >> freshness >> dbt_docs >> page
