"""Build features, model and scores: use valid ones again, follow builds under way, run the rest."""

import time
from collections.abc import Callable

from local.airflow.api import AirflowApi, epoch
from local.airflow.follow import follow
from local.airflow.stack import Airflow
from local.airflow.timing import Stages
from local.build.fingerprint import BuildCache, BuildInputs

FEATURES_DAG = "build_features"
MODEL_DAG = "retrain_recommender"
SCORES_DAG = "score_customers"
FEEDBACK_DAG = "collect_feedback"
CAMPAIGN_DAGS = ("run_campaigns", "send_outbox", "measure_campaigns", "pause_outbox")
ACTIVE_STATES = ("queued", "running")


class Builder:
    """Build features, model and scores through Airflow's scheduler, unless they are valid."""

    def __init__(
        self, api: AirflowApi, airflow: Airflow, cache: BuildCache, stages: Stages, echo: Callable[[str], None]
    ) -> None:
        self._api = api
        self._airflow = airflow
        self._cache = cache
        self._stages = stages
        self._echo = echo
        self._features_run: str | None = None

    def build(self, inputs: BuildInputs, as_of: str | None, force: bool) -> str:
        """Build what is missing.

        Args:
            inputs: fingerprints of the inputs of features and model.
            as_of: the day, as YYYY-MM-DD; None is the end of the data.
            force: run both DAGs even if their results are valid.

        Returns:
            Id of the run that trained the model, or whose gate rejected it.

        Raises:
            RunFailedError: a run ended red.
        """
        if not force and self._cache.has_features(inputs.features):
            self._echo("Features: the published ones were made of the same data, settings and code; used again")
            if run_id := self._cache.run_of(inputs.model):
                self._echo(f"Model: run {run_id} has the same inputs; used again (FORCE=1 builds a new one)")
                return run_id
            run = self._run_under_way(MODEL_DAG, inputs.model) or self._api.trigger(MODEL_DAG, {"reason": "make demo"})
        else:
            features_run = None if force else self._under_way(FEATURES_DAG, inputs.features)
            with self._stages.stage(FEATURES_DAG):
                features_run = features_run or self._api.trigger(FEATURES_DAG, {"as_of": as_of} if as_of else {})
                self._follow(FEATURES_DAG, features_run, inputs.features)
                self._cache.save_features(inputs.features)
            self._features_run = features_run
            with self._stages.stage("hand over"):
                run = self._started_by(features_run, MODEL_DAG)
        with self._stages.stage(MODEL_DAG):
            self._follow(MODEL_DAG, run, inputs.model)
            run_id = str(self._api.result(MODEL_DAG, run, "resolve_run")["run_id"])
            self._cache.save_run(inputs.model, run_id)
            return run_id

    def build_scores(self, inputs: BuildInputs) -> None:
        """Score the customers, unless the published scores are valid; `build` comes first.

        Raises:
            RunFailedError: the run ended red.
        """
        if self._features_run is None and self._cache.has_scores(inputs.model):
            self._echo("Scores of customers: the published ones were made of the same; used again")
            return
        with self._stages.stage(SCORES_DAG):
            if self._features_run is not None:
                run = self._started_by(self._features_run, SCORES_DAG)
            else:
                under_way = self._run_under_way(SCORES_DAG, inputs.model)
                run = under_way or self._api.trigger(SCORES_DAG, {"reason": "make demo"})
            self._follow(SCORES_DAG, run, inputs.model)
            self._cache.save_scores(inputs.model)

    def _follow(self, dag_id: str, run: str, made_of: str) -> None:
        self._cache.save_started(dag_id, made_of, run)
        self._echo(f"{dag_id}: run {run}")
        follow(self._api, dag_id, run, self._echo, self._airflow.require_running)

    def _under_way(self, dag_id: str, made_of: str) -> str | None:
        """Return the run that an interrupted command started from the same inputs, if it is still active."""
        run = self._cache.started(dag_id, made_of)
        active = {r["dag_run_id"] for r in self._api.runs(dag_id) if r["state"] in ACTIVE_STATES}
        return run if run in active else None

    def _run_under_way(self, dag_id: str, made_of: str) -> str | None:
        """Return the DAG's active run of the same inputs, or the one that the published features triggered."""
        by_asset = (
            str(run["dag_run_id"])
            for run in self._api.runs(dag_id)
            if run["state"] in ACTIVE_STATES and run["run_type"] == "asset_triggered"
        )
        return self._under_way(dag_id, made_of) or next(by_asset, None)

    def _started_by(self, features_run: str, dag_id: str) -> str:
        """Wait for the run that the published features trigger, and return it; never start a second one."""
        since = epoch(self._api.run(FEATURES_DAG, features_run)["queued_at"])
        while True:
            self._airflow.require_running()
            for run in self._api.runs(dag_id):
                if run["run_type"] == "asset_triggered" and epoch(run["queued_at"]) >= since:
                    return str(run["dag_run_id"])
            time.sleep(1)
