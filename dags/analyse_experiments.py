"""
### Purpose

Measures every announced experiment of the service: who was exposed, what the variants changed, and the advice.

### When to press it

It runs every day. Press it after feedback was collected or purchases were admitted, to see results at once.

### What each choice means

* **Experiment**: the id of one experiment. Empty: all that are announced.

### What "skipped" means

No experiment is announced yet.

### Clear or new run?

* A task failed because the warehouse is being written: **clear** it.
* A task failed because nothing is collected or admitted: run `collect_feedback` or `build_features`, then a
  **new run**.

### Afterwards

The log names the advice about each variant in a sentence. The results are in `experiment_results` of the data directory
and on the console's page Experiments. Harm stops an experiment if its file has `stop_on_harm = true`.
Each day is one look, so more runs a day change no interval.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param

from orchestration.defaults import defaults
from orchestration.operators import CommandOperator

with DAG(
    dag_id="analyse_experiments",
    doc_md=__doc__,
    description="Measure the experiments of the service.",
    schedule="@daily",
    # One run measures all until now.
    catchup=False,
    max_active_runs=1,
    params={
        "experiment": Param(
            None,
            type=["null", "string"],
            maxLength=64,
            title="Experiment",
            description="Id of one experiment. Empty: all that are announced.",
        ),
    },
    default_args=defaults(timedelta(hours=1)),
    tags=["reach"],
) as dag:
    CommandOperator(
        task_id="analyse",
        arguments=["online_experiments", "analyse", "{{ params.experiment or '' }}"],
        doc_md="Compares exposed customers of each variant with the control, and keeps results and advice.",
    )
