"""The part of Airflow's REST API that the local stack uses."""

import time
from datetime import UTC, datetime
from typing import Any

import httpx

from local.errors import DemoError, NotReadyError

# The API may time out on a busy machine, so a request is retried before a run of minutes is given up.
ATTEMPTS = 5


class AirflowApi:
    """A session with a running Airflow."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._login = {"username": user, "password": password}
        self._http = httpx.Client(base_url=url, timeout=30)

    def health(self) -> dict[str, Any] | None:
        """Each component's state, or None while Airflow does not answer."""
        try:
            answer = self._http.get("/api/v2/monitor/health")
        except httpx.HTTPError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def set_pools(self, slots: dict[str, int]) -> None:
        """Create or resize the pools that are not as they should be."""
        found = (self._request("GET", "/pools", params={"limit": 100}) or {}).get("pools", [])
        present = {pool["name"]: pool["slots"] for pool in found}
        for name, size in slots.items():
            if present.get(name) == size:
                continue
            body = {"name": name, "slots": size, "description": "Reach: see orchestration/pools.py"}
            if name in present:
                self._request("PATCH", f"/pools/{name}", json={**body, "include_deferred": False})
            else:
                self._request("POST", "/pools", json=body)

    def wait_for_dag(self, dag_id: str, parsed_after: float, seconds: float = 180) -> None:
        """Wait until Airflow has read the DAG since `parsed_after` (seconds since the epoch).

        Raises:
            DemoError: the file cannot be imported; the message is Airflow's import error.
            NotReadyError: nothing after `seconds`.
        """
        deadline = time.monotonic() + seconds
        asked = False
        while time.monotonic() < deadline:
            dag = self._request("GET", f"/dags/{dag_id}")
            if dag and epoch(dag["last_parsed_time"]) > parsed_after:
                return
            if dag and not asked:
                self._request("PUT", f"/parseDagFile/{dag['file_token']}")
                asked = True
            errors = (self._request("GET", "/importErrors") or {}).get("import_errors", [])
            fresh = [e for e in errors if epoch(e["timestamp"]) > parsed_after]
            if fresh:
                raise DemoError(f"Airflow cannot read {fresh[0]['filename']}:\n{fresh[0]['stack_trace']}")
            time.sleep(1)
        raise NotReadyError(f"Airflow did not read the DAG '{dag_id}' within {seconds:.0f} seconds.")

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler start runs of the DAG."""
        self._request("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def is_paused(self, dag_id: str) -> bool:
        """Return whether the DAG is switched off.

        Raises:
            DemoError: Airflow has no such DAG.
        """
        dag = self._request("GET", f"/dags/{dag_id}")
        if dag is None:
            raise DemoError(f"Airflow has no DAG '{dag_id}'.")
        return bool(dag["is_paused"])

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a run with these Params and return its id."""
        # The id is chosen here, so that a retry after a lost response cannot start a second run.
        run_id = f"manual__{datetime.now(UTC).isoformat()}"
        body = {"logical_date": None, "conf": conf, "dag_run_id": run_id}
        if self._request("POST", f"/dags/{dag_id}/dagRuns", json=body) is None:
            raise DemoError(f"Airflow has no DAG '{dag_id}'.")
        return run_id

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the DAG's newest 50 runs, newest first."""
        answer = self._request("GET", f"/dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 50})
        return answer["dag_runs"] if answer else []

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return one run.

        Raises:
            DemoError: the run does not exist.
        """
        answer: dict[str, Any] | None = self._request("GET", f"/dags/{dag_id}/dagRuns/{run_id}")
        if answer is None:
            raise DemoError(f"Airflow has no run '{run_id}' of '{dag_id}'.")
        return answer

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return all task instances of a run."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        found: list[dict[str, Any]] = []
        while True:
            answer = self._request("GET", path, params={"limit": 100, "offset": len(found)}) or {}
            found += answer.get("task_instances", [])
            if not answer.get("task_instances") or len(found) >= answer["total_entries"]:
                return found

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return the JSON value that a task returned, or None."""
        answer = self._request(
            "GET",
            f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value",
            params={"deserialize": True},
        )
        return answer["value"] if answer else None

    def log_tail(self, task: dict[str, Any], lines: int) -> list[str]:
        """Return the last lines of a task's newest log."""
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        answer = self._request(
            "GET", f"{path}/logs/{max(task['try_number'], 1)}", params={"map_index": task["map_index"]}
        )
        text = [line for entry in (answer or {}).get("content", []) for line in _lines(entry)]
        return [line for line in text if not line.startswith("::")][-lines:]

    def _request(self, method: str, path: str, **kwargs: Any) -> Any:
        """Send a request and return the JSON of the response; None if Airflow answers 404."""
        for attempt in range(ATTEMPTS):
            try:
                self._log_in()
                answer = self._http.request(method, f"/api/v2{path}", **kwargs)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS - 1:
                    raise NotReadyError(f"Airflow at {self._http.base_url} does not answer: {error}") from error
                time.sleep(2)
                continue
            if answer.status_code == 401:
                # The token has expired, or Airflow has restarted.
                self._http.headers.pop("authorization", None)
            elif answer.status_code >= 500:
                # The database is one file, which is locked while another Airflow process writes.
                time.sleep(2)
            else:
                break
        if answer.status_code == 404:
            return None
        if answer.status_code == 409 and method == "POST":
            return {}
        if answer.is_error:
            raise DemoError(f"Airflow answered {answer.status_code} to {method} {path}: {answer.text[:500]}")
        return answer.json() if answer.content else {}

    def _log_in(self) -> None:
        if "authorization" not in self._http.headers:
            token = self._http.post("/auth/token", json=self._login)
            if token.status_code != 201:
                raise DemoError(f"Airflow refused the demo's login ({token.status_code}). Run 'make down'.")
            self._http.headers["authorization"] = f"Bearer {token.json()['access_token']}"


def _lines(entry: dict[str, Any] | str) -> list[str]:
    """Return the lines of a log entry, with its exception."""
    if isinstance(entry, str):
        return entry.splitlines()
    raised = [f"{e['exc_type']}: {e['exc_value']}" for e in entry.get("error_detail") or []]
    return [line for text in (str(entry.get("event", "")), *raised) for line in text.splitlines()]


def epoch(text: str | None) -> float:
    """Return the seconds since 1970 of a time from the API; 0 for None."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0
