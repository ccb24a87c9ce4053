"""
### Purpose

Compares sales, features and answers of the newest day with the weeks before and with what the deployed version was
trained on. An alarm names what has changed, its limit, and what to do.

### When to press it

It runs every day. Press it after data were corrected, to see whether the alarm is gone.

### What the choice means

* **Retrain**: on: an alarm that asks for a retraining starts `retrain_recommender`, unless another alarm asks to check
  the data first. Off: nothing is started.

### What failed means

`alarms` fails if there is an alarm, so that it is red here and is sent to `REACH_ALERTS`. Its log has one line for
each: the subject, the value, the limit and the next step. The page Today of the console shows the same alarms.

### Clear or new run?

* `alarms` is red: take the steps that its log names, then a **new run**.
* `check` failed because nothing is admitted: run `build_features` first, then a **new run**.

### Afterwards

`monitoring/current.json` in the data directory holds all figures with their limits (docs/monitoring.md).
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, task

from orchestration.defaults import defaults
from orchestration.operators import CommandOperator

with DAG(
    dag_id="monitor",
    doc_md=__doc__,
    description="Compare what is served with what was trained on; raise alarms.",
    schedule="@daily",
    catchup=False,
    max_active_runs=1,
    params={
        "retrain": Param(
            False,
            type="boolean",
            title="Retrain",
            description="Start a retraining if an alarm asks for it and the data raise none.",
        ),
    },
    default_args=defaults(timedelta(minutes=30)),
    tags=["reach"],
) as dag:
    check = CommandOperator(
        task_id="check",
        arguments=["monitoring", "check"],
        final_errors=True,
        doc_md="Measures every watch, and writes figures, limits and alarms.",
    )
    alarms = CommandOperator(
        task_id="alarms",
        arguments=["monitoring", "alarms"],
        final_errors=True,
        doc_md="Fails with one line for each alarm of the check.",
    )

    @task.short_circuit(pool="default_pool", execution_timeout=timedelta(minutes=5))
    def may_retrain(**context: Any) -> bool:
        """Go on only if an alarm asks for a retraining and the run may start one."""
        found = context["ti"].xcom_pull(task_ids="check")
        return bool(context["params"]["retrain"] and found["retrain"])

    retrain = TriggerDagRunOperator(
        task_id="retrain",
        trigger_dag_id="retrain_recommender",
        conf={"reason": "an alarm of monitor asked for it"},
        pool="default_pool",
        execution_timeout=timedelta(minutes=5),
        doc_md="Starts a retraining; its gate decides whether the new version serves.",
    )

    check >> alarms
    check >> may_retrain() >> retrain
