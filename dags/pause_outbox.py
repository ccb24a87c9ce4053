"""
### Purpose

Stops all sending, or lets it continue. Every sender reads the switch before each message, so the last message leaves
within seconds, also if a run of `send_outbox` is under way.

### When to press it

At once, when messages leave that must not: a wrong text, a wrong price, complaints.

### What each choice means

* **Sending**: `stop` turns the switch on, `continue` turns it off.
* **Reason**: a sentence that `.venv/bin/python -m outbox status` shows while sending is stopped.

### Clear or new run?

* A task failed because the outbox does not answer: **clear** it. By hand, without Airflow:
  `.venv/bin/python -m outbox pause --reason '…'`.
* To continue: **new run** with `continue`.

### Afterwards

Messages wait while sending is stopped. Those whose last instant passes are not sent, with the reason `expired`.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param

from orchestration.defaults import defaults
from orchestration.operators import CommandOperator

with DAG(
    dag_id="pause_outbox",
    doc_md=__doc__,
    description="Stop all sending at once, or let it continue.",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params={
        "sending": Param(
            "stop",
            type="string",
            enum=["stop", "continue"],
            maxLength=8,
            title="Sending",
            description="stop: no further message leaves. continue: senders go on.",
        ),
        "reason": Param(
            "stopped in Airflow",
            type="string",
            minLength=3,
            maxLength=200,
            title="Reason",
            description="Shown by the outbox's status while sending is stopped.",
        ),
    },
    # In no pool of other steps, because the switch must not wait for any of them.
    default_args={**defaults(timedelta(minutes=5)), "pool": "default_pool"},
    tags=["reach"],
) as dag:
    CommandOperator(
        task_id="switch",
        arguments=[
            "outbox",
            "{{ 'resume' if params.sending == 'continue' else 'pause' }}",
            "{{ '' if params.sending == 'continue' else '--reason=' ~ params.reason }}",
        ],
        doc_md="Turns the outbox's pause switch.",
    )
