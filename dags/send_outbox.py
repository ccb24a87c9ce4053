"""
### Purpose

Sends the messages of the outbox that are due. Consent, suppression list, caps and quiet hours are asked again for each
message, in the transaction that takes it.

### When to press it

It runs every five minutes once you have switched it on. A new installation has it switched off, so nothing leaves
before you decide so. Press it to send at once.

### What stops it

* **At once**: the DAG `pause_outbox`, or `.venv/bin/python -m outbox pause --reason '…'`. Every sender stops before its
  next message, also one that is running now.
* Switching this DAG off stops later runs only; a run that is under way sends what is due.

### What happens if it runs twice

Nothing: a message is taken in a transaction before the socket is used, so it leaves at most once, also after a kill.

### What "skipped" means

No message was due.

### Clear or new run?

* A task failed for a reason outside (the mail server is down): wait for the next run; its messages wait in the outbox.
* The log names a missing setting such as REACH_SMTP_URL: set it, restart Airflow, then a **new run**.

### Afterwards

`.venv/bin/python -m outbox status` counts the messages by state and reason, and names those in doubt.
"""

from datetime import timedelta

from airflow.sdk import DAG

from orchestration import pools
from orchestration.defaults import defaults
from orchestration.operators import CommandOperator

with DAG(
    dag_id="send_outbox",
    doc_md=__doc__,
    description="Send the messages of the outbox that are due, each at most once.",
    schedule="*/5 * * * *",
    # One run sends all that is due.
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args={**defaults(timedelta(hours=6)), "pool": pools.OUTBOX},
    tags=["reach"],
) as dag:
    CommandOperator(
        task_id="send",
        arguments=["outbox", "send"],
        doc_md="Delivers by e-mail or webhook until nothing is due. Skipped if nothing was.",
    )
