"""
### Purpose

Plans every running campaign: imports consents and addresses, writes the champion's lists if they are outdated, decides
about each customer, checks each plan with Great Expectations, and puts the messages into the outbox. Nothing is sent
here; `send_outbox` sends.

### When to press it

It runs every hour once you have switched it on. A new installation has it switched off, so no message waits before a
campaign is wanted. Press it to plan at once after a campaign's file was changed to `status = "running"`.

### What each choice means

* **Campaign**: the id of one campaign. Empty: every running campaign of the folder, which share caps and priorities.
* **Enqueue**: off: plan and check, and show the counts in the logs; no message waits.

### What "skipped" means

* `plan` and everything after it: no campaign has `status = "running"`, or all are stopped (the log has the reasons).
* `enqueue`: the run was started with **Enqueue** off.

### Clear or new run?

* A task failed for a reason outside (a full disk, a locked outbox): **clear** it, or wait for the next hour. A message
  is planned once, however often the run repeats.
* `report_left_out` failed: one running campaign cannot be planned; the log names the file and the line. The others were
  planned. Correct the file, or write `status = "stopped"`.
* `check_plan` failed: its log names the expectation. That campaign's plan is not enqueued; the others go on. After a
  correction of the campaign or the contact policy: **new run**.

### Afterwards

`.venv/bin/python -m outbox status` counts the messages that wait. Staged plans are in `plans/<campaign>` of the data
directory.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task, task_group
from airflow.sdk.exceptions import AirflowFailException

from orchestration.defaults import defaults
from orchestration.operators import CommandOperator

with DAG(
    dag_id="run_campaigns",
    doc_md=__doc__,
    description="Plan the running campaigns, check the plans, and put their messages into the outbox.",
    schedule="@hourly",
    # A plan is made for the present, so an hour that was missed is not made good.
    catchup=False,
    # Two runs would stage the same campaign's plan in one folder.
    max_active_runs=1,
    is_paused_upon_creation=True,
    params={
        "campaign": Param(
            None,
            type=["null", "string"],
            maxLength=64,
            title="Campaign",
            description="Id of one campaign. Empty: every running campaign.",
        ),
        "enqueue": Param(
            True,
            type="boolean",
            title="Enqueue",
            description="Off: plan and check only; no message waits.",
        ),
    },
    default_args=defaults(timedelta(minutes=30)),
    tags=["reach"],
) as dag:
    import_people = CommandOperator(
        task_id="import_people",
        arguments=["outbox", "import"],
        doc_md="Reads the admitted consents, addresses and bounces into the outbox; the newest answer counts.",
    )
    recommend = CommandOperator(
        task_id="recommend",
        arguments=["ml", "recommend", "--for-campaigns"],
        doc_md="Writes the lists that campaigns show, unless they are of the champion and the published features.",
    )
    plan = CommandOperator(
        task_id="plan",
        arguments=["marketing", "campaign", "plan", "{{ params.campaign or '' }}"],
        final_errors=True,
        doc_md="Decides about every customer of the campaigns, the hold-out too. Skipped if no campaign runs.",
    )

    @task(pool="default_pool", execution_timeout=timedelta(minutes=5))
    def planned(**context: Any) -> list[str]:
        """Return the ids of the campaigns that were planned."""
        return [each["campaign"] for each in context["ti"].xcom_pull(task_ids="plan")["campaigns"]]

    @task(pool="default_pool", execution_timeout=timedelta(minutes=5))
    def left_out(**context: Any) -> list[dict[str, str]]:
        """Return the running campaigns that cannot be planned, with their problems."""
        found: list[dict[str, str]] = context["ti"].xcom_pull(task_ids="plan")["left_out"]
        return found

    @task(pool="default_pool", execution_timeout=timedelta(minutes=5))
    def report_left_out(found: dict[str, str]) -> None:
        """Fail for one campaign that cannot be planned, so that a person is alerted."""
        raise AirflowFailException(f"Campaign '{found['campaign']}' was left out: {found['problem']}")

    @task_group
    def each(campaign: str) -> None:
        """Check and enqueue one campaign's plan, whatever becomes of the others."""
        check_plan = CommandOperator(
            task_id="check_plan",
            arguments=["quality", "plan", "--campaign", campaign],
            final_errors=True,
            doc_md="Great Expectations on the staged plan. After a critical failure, its messages are not enqueued.",
        )

        @task.short_circuit(pool="default_pool", execution_timeout=timedelta(minutes=5))
        def enqueuing(**context: Any) -> bool:
            """Go on only if the run may enqueue."""
            return bool(context["params"]["enqueue"])

        enqueue = CommandOperator(
            task_id="enqueue",
            arguments=["marketing", "campaign", "enqueue", campaign],
            doc_md="Puts decisions and messages into the outbox; none leaves before all are stored.",
        )
        check_plan >> enqueuing() >> enqueue

    campaigns, broken = planned(), left_out()
    import_people >> recommend >> plan >> [campaigns, broken]
    each.expand(campaign=campaigns)
    report_left_out.expand(found=broken)
