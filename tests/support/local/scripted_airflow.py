"""An Airflow that plays a written part, and a build cache in memory."""

from typing import Any, cast

from local.airflow.api import AirflowApi
from local.airflow.stack import Airflow
from local.build.fingerprint import BuildCache


class ScriptedAirflow:
    """Runs end as scripted when they are first read; nothing is started for real."""

    def __init__(self) -> None:
        self.seconds = 0
        self.triggered: list[str] = []
        self.known: dict[str, list[dict[str, Any]]] = {
            "build_features": [],
            "retrain_recommender": [],
            "score_customers": [],
        }
        self.task_lists: list[list[dict[str, Any]]] = [[]]
        self.end = "success"
        self.handing_over = False
        self.log = ["first line", "the reason"]

    @property
    def api(self) -> AirflowApi:
        return cast(AirflowApi, self)

    @property
    def airflow(self) -> Airflow:
        return cast(Airflow, self)

    def add(self, dag_id: str, run_id: str, state: str, run_type: str = "manual") -> None:
        self.seconds += 1
        at = f"2026-01-01T00:00:{self.seconds:02d}+00:00"
        self.known[dag_id].insert(0, {"dag_run_id": run_id, "state": state, "run_type": run_type, "queued_at": at})

    def require_running(self) -> None:
        return

    def health(self) -> dict[str, Any]:
        return {"scheduler": {"status": "healthy"}}

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        self.triggered.append(dag_id)
        run_id = f"manual {len(self.triggered)}"
        self.add(dag_id, run_id, "queued")
        return run_id

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Like Airflow, list a run that features have started only a moment later."""
        listed = list(self.known[dag_id])
        if dag_id == "retrain_recommender" and self.handing_over:
            self.handing_over = False
            self.add(dag_id, "by asset", "queued", "asset_triggered")
        return listed

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """A run is over at the last of the task lists; features then start a run of the model."""
        found = next(run for run in self.known[dag_id] if run["dag_run_id"] == run_id)
        if len(self.task_lists) == 1 and found["state"] != self.end:
            found["state"] = self.end
            if dag_id == "build_features" and self.end == "success":
                self.handing_over = True
        return found

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.task_lists.pop(0) if len(self.task_lists) > 1 else self.task_lists[0]

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        return {"run_id": f"run of {run_id}"}

    def log_tail(self, task: dict[str, Any], lines: int) -> list[str]:
        return self.log[-lines:]


class MemoryBuildCache:
    """A record of builds, without files."""

    def __init__(self, features: str | None = None, model: str | None = None) -> None:
        self.features = features
        self.model = model
        self.scores: str | None = None
        self.runs: dict[str, tuple[str, str]] = {}

    @property
    def cache(self) -> BuildCache:
        return cast(BuildCache, self)

    def has_features(self, made_of: str) -> bool:
        return self.features == made_of

    def save_features(self, made_of: str) -> None:
        self.features = made_of

    def run_of(self, made_of: str) -> str | None:
        return "an earlier run" if self.model == made_of else None

    def save_run(self, made_of: str, run_id: str) -> None:
        self.model = made_of

    def has_scores(self, made_of: str) -> bool:
        return self.scores == made_of

    def save_scores(self, made_of: str) -> None:
        self.scores = made_of

    def started(self, dag_id: str, made_of: str) -> str | None:
        known = self.runs.get(dag_id)
        return known[1] if known and known[0] == made_of else None

    def save_started(self, dag_id: str, made_of: str, run: str) -> None:
        self.runs[dag_id] = (made_of, run)
