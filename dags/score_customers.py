"""
### Purpose

Fits the customer model on the published features, evaluates every part against its bar, and publishes what is known of
each customer: predictions, tags, segments, and what audiences and offers read.

### When to press it

It starts by itself when `build_features` has published, as `retrain_recommender` does. Press it to score again on the
same features: after a change of the model or of a policy, or to see the verdicts without publishing.

### What each choice means

* **As of**: the day whose features to use. Empty: the newest published. Features of that day must be published; if they
  are not, run `build_features` for that day first.
* **Publish**: off: fit and evaluate, show the report, change nothing.
* **Reason**: a sentence for the release log.

### What "skipped" means

* `register_model` and `deploy`: no part of this run may be published. The deployed version scores the new features.
* `score` and the tasks after it: no version was ever deployed, because there is too little data. The log of `fit` names
  the missing data.
* Everything after `publishing`: the run was started with **Publish** off.

### Clear or new run?

* A task failed for a reason outside: **clear** it; `fit` goes on with the part it was at.
* Other choices, or newer features: **new run**. Every run has its own folder.
* `check_profiles` failed: what was published stays. Its log names the expectation, the table and what to do.

### Afterwards

`runs/customers/<run_id>/report.html` in the data directory holds every part's verdict with its figures. The folder
`customers/current` holds the published scores, and `.venv/bin/python -m customer_scores status` names them.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from orchestration import pools
from orchestration.assets import FEATURES
from orchestration.defaults import defaults
from orchestration.operators import CommandOperator
from orchestration.resolve_run import AS_OF, RUN, as_of_param, reason_param, resolve_run

SCORED = "--as-of={{ ti.xcom_pull(task_ids='score')['as_of'] }}"
PRODUCT = "--product=customers"

with DAG(
    dag_id="score_customers",
    doc_md=__doc__,
    description="Fit and evaluate the customer model, and publish every customer's scores.",
    schedule=[FEATURES],
    catchup=False,
    # Two runs would stage their scores in the same folder.
    max_active_runs=1,
    params={
        "as_of": as_of_param(),
        "publish": Param(
            True,
            type="boolean",
            title="Publish",
            description="Off: fit and evaluate only; the published scores stay.",
        ),
        "reason": reason_param("routine scoring"),
    },
    default_args=defaults(timedelta(hours=1)),
    tags=["reach"],
) as dag:

    @task.short_circuit(pool="default_pool", execution_timeout=timedelta(minutes=5))
    def publishing(**context: Any) -> bool:
        """Go on only if the run may publish."""
        return bool(context["params"]["publish"])

    fit = CommandOperator(
        task_id="fit",
        arguments=["ml.customers", "fit", RUN, AS_OF],
        pool=pools.CUSTOMERS,
        final_errors=True,
        doc_md="Fits every part on closed windows and evaluates it once on the newest; writes the report.",
    )
    register_model = CommandOperator(
        task_id="register_model",
        arguments=["ml.customers", "register-model", RUN],
        doc_md="Puts the parts that passed into the model store. Skipped if there are none.",
    )
    deploy = CommandOperator(
        task_id="deploy",
        arguments=[
            *["registry", "deploy", PRODUCT, "--version={{ ti.xcom_pull(task_ids='register_model')['version'] }}"],
            *["--expect=auto", "--reason={{ params.reason }}"],
        ],
        doc_md="Makes the bundle champion, unless someone else changed the champion since.",
    )
    score = CommandOperator(
        task_id="score",
        arguments=["ml.customers", "score"],
        # Where this run may publish no part, the version deployed before scores the new features.
        trigger_rule="none_failed",
        doc_md="The champion's scores of all customers, staged. Skipped if no version was ever deployed.",
    )
    check_profiles = CommandOperator(
        task_id="check_profiles",
        arguments=["quality", "profiles", SCORED],
        final_errors=True,
        doc_md="Great Expectations on the staged scores. A critical failure stops the run here.",
    )
    publish = CommandOperator(
        task_id="publish",
        arguments=["customer_scores", "publish", SCORED],
        final_errors=True,
        doc_md="Makes the staged scores the current ones; a part without news keeps its own.",
    )
    materialize = CommandOperator(
        task_id="materialize",
        arguments=["feature_store", "materialize-profiles", SCORED],
        doc_md="Writes predictions, tags and segments into the online store, from which the service reads them.",
    )
    prune = CommandOperator(
        task_id="prune",
        arguments=["registry", "prune", PRODUCT],
        trigger_rule="none_failed",
        doc_md="Deletes old versions; never the champion, its predecessor, or one of the last entries of the log.",
    )
    prune_runs = CommandOperator(
        task_id="prune_runs",
        arguments=["ml.customers", "prune"],
        trigger_rule="none_failed",
        doc_md="Deletes old runs of the customer model, by ml/runs/retention.toml.",
    )

    resolve_run() >> fit >> publishing() >> register_model >> deploy >> score
    score >> check_profiles >> publish >> materialize >> prune >> prune_runs
