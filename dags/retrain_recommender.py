"""
### Purpose

Trains the recommender on the published features, evaluates it against the deployed version and against simple
rules on the same customers, and deploys it only if it is better.

### When to press it

It starts by itself when `build_features` has published. Press it to train again on the same features:
after a change of the models, with more epochs, or to see the verdict without publishing.

### What each choice means

* **As of**: the day whose features to train on. Empty: the newest published. Features of that day must be
  published; if they are not, run `build_features` for that day first.
* **Epochs**: passes over the training set. Empty: the models' own choice. More takes longer in proportion.
* **Publish if better**: off: train and evaluate, show the report, change nothing.
* **Reason**: a sentence for the release log, which helps a reader in half a year.

### What "skipped" means

* `register_model` and what follows: the gate kept the deployed version. That is a normal result, and the run is green;
  `gate` logs the reason.
* The tasks between `build_dataset` and `gate`: there is too little data to train or to evaluate. `build_dataset` or the
  first skipped task logs the missing numbers. Until a trained version is deployed, the simple rule is published
  as the baseline; the next run tries to train again by itself.

### Clear or new run?

* A task failed for a reason outside: **clear** it; the run goes on in the same folder.
* Other choices, or newer features: **new run**. Every run has its own folder.
* `verify` failed: the service did not answer as the release should, and the former version is back.
  Read its log before anything is tried again.

### Afterwards

`runs/<run_id>/index.html` in the data directory links to all that the run made: report, checks, dbt docs, TensorBoard
log, release entry. It is written when the run starts and again at its end, also if the run failed.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param

from orchestration import pools
from orchestration.assets import FEATURES
from orchestration.defaults import defaults
from orchestration.operators import CommandOperator
from orchestration.pages import PageOperator
from orchestration.resolve_run import AS_OF, RUN, as_of_param, reason_param, resolve_run

VERSION = "--version={{ ti.xcom_pull(task_ids='register_model')['version'] }}"
REASON = "--reason={{ params.reason }}"

with DAG(
    dag_id="retrain_recommender",
    doc_md=__doc__,
    description="Train, evaluate, and deploy the recommender only if it is better.",
    schedule=[FEATURES],
    catchup=False,
    # Two runs would compare themselves with the same champion and deploy over one another.
    max_active_runs=1,
    params={
        "as_of": as_of_param(),
        "epochs": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            maximum=100,
            title="Epochs",
            description="Passes over the training set. Empty: the models' own choice.",
        ),
        "publish_if_better": Param(
            True,
            type="boolean",
            title="Publish if better",
            description="Off: train and evaluate only; the deployed version stays in any case.",
        ),
        "reason": reason_param("routine retraining"),
    },
    default_args=defaults(timedelta(hours=2)),
    tags=["reach"],
) as dag:
    build_dataset = CommandOperator(
        task_id="build_dataset",
        arguments=[
            *["ml", "build-dataset", RUN, AS_OF],
            *["{{ '--epochs=%d' % params.epochs if params.epochs else '' }}", REASON],
        ],
        doc_md="Training sets from Feast: every row holds only what was known at its time.",
    )
    check_training = CommandOperator(
        task_id="check_training",
        arguments=["quality", "training", RUN],
        final_errors=True,
        doc_md="Great Expectations on the training sets. A critical failure stops the run here.",
    )
    train_retrieval = CommandOperator(
        task_id="train_retrieval",
        arguments=["ml", "train-retrieval", RUN],
        final_errors=True,
        doc_md="The two towers that find candidates.",
    )
    generate_candidates = CommandOperator(
        task_id="generate_candidates",
        arguments=["ml", "generate-candidates", RUN],
        doc_md="Candidates of every customer from all sources: what the rankers learn from.",
    )
    rankers = CommandOperator(
        task_id="rankers",
        arguments=["ml", "rankers"],
        pool="default_pool",
        doc_md="Which rankers compete in this version of the code.",
    )
    train_ranker = CommandOperator.partial(
        task_id="train_ranker",
        final_errors=True,
        pool=pools.RANKERS,
        map_index_template="{{ task.arguments[-1] }}",
        doc_md="One ranker; several compete side by side.",
    ).expand(arguments=rankers.output.map(lambda ranker: ["ml", "train-ranker", RUN, "--ranker", ranker]))
    select_ranker = CommandOperator(
        task_id="select_ranker",
        arguments=["ml", "select-ranker", RUN],
        doc_md="The rankers and their ensemble on training lists held out; the best one goes on.",
    )
    evaluate = CommandOperator(
        task_id="evaluate",
        arguments=["ml", "evaluate", RUN],
        doc_md="Lists of the system, the champion and the simple rules for the same customers; the report.",
    )
    gate = CommandOperator(
        task_id="gate",
        arguments=["ml", "gate", RUN],
        # If there is too little data to train or to evaluate, the steps before it are skipped, and the rule serves.
        trigger_rule="none_failed",
        doc_md="The verdict, with reasons in sentences. 'Keep the champion' is a result, not a failure.",
    )
    register_model = CommandOperator(
        task_id="register_model",
        arguments=["ml", "register-model", RUN, "{{ '' if params.publish_if_better else '--dry-run' }}"],
        doc_md="Bundles the evaluated version and stores it in the model store. Skipped if the champion stays.",
    )
    deploy = CommandOperator(
        task_id="deploy",
        arguments=["registry", "deploy", VERSION, "--expect=auto", REASON],
        doc_md="Makes the bundle champion, unless the champion was changed since the gate.",
    )
    verify = CommandOperator(
        task_id="verify",
        arguments=["registry", "verify", VERSION],
        final_errors=True,
        doc_md="Waits until the running service answers as the bundle should; rolls back if it does not.",
    )

    open_page = PageOperator(
        task_id="open_page",
        arguments=["pages", "run", RUN],
        pool="default_pool",
        doc_md="The run's page of links, as soon as there is a run; missing pages are listed with the reason.",
    ).as_teardown()
    page = PageOperator(
        task_id="page",
        arguments=["pages", "run", RUN],
        pool="default_pool",
        final_errors=True,
        doc_md="The same page once more, after the last step: also of a run that failed or was skipped.",
    ).as_teardown()

    prune = CommandOperator(
        task_id="prune",
        arguments=["registry", "prune"],
        doc_md="Deletes old versions; never the champion, the one before it, or one that the log named recently.",
    )
    prune_runs = CommandOperator(
        task_id="prune_runs",
        arguments=["ml", "prune"],
        trigger_rule="none_failed",
        doc_md="Deletes what only training needed, and old runs, by ml/runs/retention.toml, whatever the verdict.",
    )
    prune_data = CommandOperator(
        task_id="prune_data",
        arguments=["retention", "prune"],
        trigger_rule="none_failed",
        doc_md="Deletes old logs, old Data Docs and temporary files (retention/policy.toml); logs what was freed.",
    )

    resolve_run() >> build_dataset >> check_training >> train_retrieval >> generate_candidates >> train_ranker
    rankers >> train_ranker >> select_ranker >> evaluate >> gate >> register_model >> deploy >> verify
    verify >> prune >> prune_runs >> prune_data >> page
    build_dataset >> open_page >> page
