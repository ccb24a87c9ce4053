"""
### Purpose

Measures every campaign of the outbox against its hold-out, and all together against the global hold-out: the effect
with an interval that holds on the announced days, or the reason why no effect can be named.

### When to press it

It runs every day. Press it after new purchases were admitted, to see results at once.

### What each choice means

* **Campaign**: the id of one campaign. Empty: all of the outbox, and all together.

### What "skipped" means

The outbox has no campaign yet.

### Clear or new run?

* A task failed because nothing is admitted: run `build_features`, then a **new run**.
* A task failed for a reason outside: **clear** it.

### Afterwards

The log names the verdict of each campaign in a sentence. Harm at an announced look stops the campaign, unless its
file forbids that; `.venv/bin/python -m outbox restart ID` lifts the stop.
The results are in `campaign_results` of the data directory.
Metric and looks are those that the first plan announced; looking more often changes no interval.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param

from orchestration.defaults import defaults
from orchestration.operators import CommandOperator

with DAG(
    dag_id="measure_campaigns",
    doc_md=__doc__,
    description="Measure the campaigns against their hold-outs.",
    schedule="@daily",
    # One run measures all until now.
    catchup=False,
    max_active_runs=1,
    params={
        "campaign": Param(
            None,
            type=["null", "string"],
            maxLength=64,
            title="Campaign",
            description="Id of one campaign. Empty: all campaigns of the outbox.",
        ),
    },
    default_args=defaults(timedelta(hours=1)),
    tags=["reach"],
) as dag:
    CommandOperator(
        task_id="measure",
        arguments=["marketing", "measure", "{{ params.campaign or '' }}"],
        doc_md="Compares the arms by intention to treat, and keeps results and verdicts.",
    )
