"""The first task of a DAG that works on published features: which day, and how the run is named."""

import hashlib
from datetime import timedelta
from typing import Any

from airflow.sdk import Param, task
from airflow.sdk.exceptions import AirflowFailException

from orchestration.assets import FEATURES

RUN = "--run-id={{ ti.xcom_pull(task_ids='resolve_run')['run_id'] }}"
AS_OF = "--as-of={{ ti.xcom_pull(task_ids='resolve_run')['as_of'] }}"


def as_of_param() -> Param:
    """Return the form's field for the day."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="As of",
        description="Use the features of this day. Empty: the newest published features.",
    )


def reason_param(default: str) -> Param:
    """Return the form's field for the reason, with its usual text."""
    return Param(
        default,
        type="string",
        minLength=3,
        maxLength=200,
        title="Reason",
        description="Goes into the release log.",
    )


@task(inlets=[FEATURES], pool="default_pool", execution_timeout=timedelta(minutes=5))
def resolve_run(**context: Any) -> dict[str, str]:
    """Return the day and the name of the run; the same for every retry of this run.

    Raises:
        AirflowFailException: No features have been published.
    """
    as_of = context["params"]["as_of"]
    if not as_of:
        # The features that started this run; without any, the newest published ones.
        events = context["triggering_asset_events"].get(FEATURES) or context["inlet_events"][FEATURES]
        if not len(events):
            raise AirflowFailException("No features have been published yet. Run build_features first.")
        as_of = events[-1].extra["as_of"]
    mark = hashlib.sha256(context["run_id"].encode()).hexdigest()[:6]
    return {"as_of": as_of, "run_id": f"{as_of}-{mark}"}
