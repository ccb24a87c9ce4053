"""
### Purpose

Collects what the service showed and customers did since the last run, and builds facts from it:
the service's event log → landing → quality checks → `fct_decisions`, `fct_events` and `fct_exposures`, joined by
`request_id`.

### When to press it

It runs every hour. Press it to see now what came of the answers of the last minutes.

### What happens if it runs twice

Nothing: every run reads on from where the last batch ended, and an event counts once by its `event_id`. While features
are built or a model is trained it waits; the event log keeps new entries until then.

### Clear or new run?

* A task failed for a reason outside (a full disk, Redis or Kafka away): **clear** it, or wait for the next hour.
* `check_feedback` failed: its log names the expectation and its Data Docs. The facts are those of the run before.
  A file of your own `events`, `decisions` or `exposures` must be corrected; then a **new run**.

### Afterwards

`fct_decisions`, `fct_events` and `fct_exposures` are in the warehouse; `feedback/batches` in the data directory has one
folder a batch, the older ones merged into one.
Purchases reach the features with the next `build_features` (docs/feedback.md lists which ones).
"""

from datetime import timedelta

from airflow.sdk import DAG

from orchestration.assets import FEEDBACK
from orchestration.defaults import defaults
from orchestration.operators import CommandOperator
from settings import load_settings

TARGET = load_settings().paths.dbt_target

with DAG(
    dag_id="collect_feedback",
    doc_md=__doc__,
    description="Recommendations and their outcomes: from the service's event log to facts.",
    schedule="@hourly",
    # One run takes all there is, so an hour that was missed is made good by the next.
    catchup=False,
    max_active_runs=1,
    default_args=defaults(timedelta(minutes=30)),
    tags=["reach"],
) as dag:
    collect = CommandOperator(
        task_id="collect",
        arguments=["landing", "collect"],
        doc_md="Reads the journal on from the last batch, and unites it with your own events and decisions.",
    )
    check_feedback = CommandOperator(
        task_id="check_feedback",
        arguments=["quality", "feedback"],
        final_errors=True,
        doc_md="Great Expectations on all feedback there is. After a critical failure, the facts are not changed.",
    )
    build_facts = CommandOperator(
        task_id="build_facts",
        # A target folder of its own: Airflow may be reading the manifest in the other one.
        program="dbt",
        arguments=[
            *["build", "--select", "+fct_events", "+fct_decisions", "+fct_exposures"],
            *["--indirect-selection", "cautious"],
            *["--project-dir", "dbt", "--profiles-dir", "dbt"],
            *["--target-path", str(TARGET / "feedback"), "--log-path", str(TARGET / "logs")],
            *["--vars", "{{ ti.xcom_pull(task_ids='collect')['dbt_vars'] | tojson }}"],
        ],
        result=False,
        outlets=[FEEDBACK],
        doc_md="dbt on the facts and what they are made of, with their tests.",
    )

    collect >> check_feedback >> build_facts
