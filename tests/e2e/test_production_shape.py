"""Every command of docker-compose.yml, started from the lock on loopback with a real PostgreSQL and a real Redis."""

import shutil
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from subprocess import run
from typing import Any

import httpx
import pytest

from console.access.users import entry_for
from local.airflow.api import AirflowApi
from settings import ROOT
from tests.support.e2e.composition import Composition
from tests.support.servers.postgres_server import postgres_server

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.postgres]

SECRETS = {
    "POSTGRES_PASSWORD": "p0stgres-of-a-test",
    "REACH_REDIS_PASSWORD": "r3dis-of-a-test",
    "AIRFLOW_ADMIN_PASSWORD": "adm1n-of-a-test",
    "AIRFLOW_JWT_SECRET": "a-secret-of-a-test-that-is-as-long-as-a-signature-wants-it-to-be-64-bytes",
    "AIRFLOW_SESSION_KEY": "another-secret-of-a-test",
    "AIRFLOW_FERNET_KEY": urlsafe_b64encode(b"0" * 32).decode(),
    "REACH_CONSOLE_USERS": entry_for("ann", "operator", "a password of a test"),
    "REACH_CONSOLE_KEY": "a-secret-of-a-test-that-signs-the-sessions-of-the-console",
    "PROMETHEUS_KEY": "not-asked-here",
    "GRAFANA_ADMIN_PASSWORD": "not-asked-here",
}


@pytest.fixture(scope="module")
def composition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composition]:
    """Everything started in the composition's order; nothing has been asked yet."""
    if shutil.which("redis-server") is None:
        pytest.skip("the program redis-server is not on this machine (Debian: apt-get install redis-server)")
    with postgres_server(SECRETS["POSTGRES_PASSWORD"]) as port:
        composition = Composition(tmp_path_factory.mktemp("composition"), SECRETS | _api_key(), port)
        try:
            composition.start("redis")
            composition.wait_until_healthy("redis")
            composition.run("airflow-init")
            for name in composition.names:
                if name != "airflow-init":
                    composition.start(name)
            yield composition
        finally:
            composition.stop()


def test_every_service_becomes_healthy_by_its_own_check(composition: Composition) -> None:
    """The service too: with no version deployed it waits for one and lives."""
    services = [name for name in composition.names if name != "airflow-init"]
    assert {"airflow-worker", "airflow-scheduler", "service", "console"} < set(services)
    # The first answers before the second can: so neither is asked too early.
    composition.wait_until_healthy("airflow-api-server", "service")
    composition.wait_until_healthy(*services)


def test_the_worker_runs_what_the_scheduler_puts_into_the_queue(composition: Composition) -> None:
    api = AirflowApi(f"http://127.0.0.1:{composition.api}", "admin", SECRETS["AIRFLOW_ADMIN_PASSWORD"])
    api.wait_for_dag("collect_feedback", parsed_after=0)
    run_id = api.trigger("collect_feedback", {})
    collect = _end_of(api, "collect_feedback", run_id, "collect")
    log = "\n".join(api.log_tail(collect, 30))
    assert "The same by hand" in log
    assert collect["state"] in ("success", "skipped"), log


def test_a_page_is_shown_to_people_who_have_logged_in_and_other_files_to_nobody(composition: Composition) -> None:
    data = composition.folder / "data"
    for name in ("runs/r1/index.html", "admitted.html", "runs/r1/model.bin"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("a page")
    url = f"http://127.0.0.1:{composition.api}"
    page = f"{url}/reach/runs/r1/index.html"
    assert httpx.get(page).status_code == 401
    login = {"username": "admin", "password": SECRETS["AIRFLOW_ADMIN_PASSWORD"]}
    token = httpx.post(f"{url}/auth/token", json=login, timeout=30).json()["access_token"]
    # As a browser that has logged in asks.
    browser = httpx.Client(cookies={"_token": token}, timeout=30)
    answer = browser.get(page)
    assert (answer.status_code, answer.text) == (200, "a page")
    assert "sandbox" in answer.headers["content-security-policy"]
    for hidden in ("admitted.html", "runs/r1/model.bin", "runs/%2e%2e/admitted.html", "runs/r1", "%2fetc%2fhostname"):
        assert browser.get(f"{url}/reach/{hidden}").status_code == 404, hidden


def test_without_a_key_the_service_answers_nobody(composition: Composition) -> None:
    answer = httpx.post(f"http://127.0.0.1:{composition.service}/recommend", json={"customer_id": "1"}, timeout=30)
    assert answer.status_code == 401


def test_the_console_lets_its_user_in_and_shows_that_no_version_serves(composition: Composition) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{composition.console}", timeout=60) as browser:
        assert browser.get("/").headers["location"] == "/login?next=/"
        login = {"name": "ann", "password": "a password of a test"}
        assert browser.post("/login", data=login).status_code == 303
        page = browser.get("/").raise_for_status().text
    assert "No recommendations:" in page
    assert "No version is deployed." in page


def _api_key() -> dict[str, str]:
    printed = run(
        [sys.executable, "-m", "serving", "hash-key", "worker", "recommend", "admin"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    entry, key = (line.partition(": ")[2] for line in printed.splitlines())
    return {"REACH_API_KEYS": entry, "REACH_CLIENT_API_KEY": key}


def _end_of(api: AirflowApi, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
    while True:
        task = next((t for t in api.tasks(dag_id, run_id) if t["task_id"] == task_id), None)
        if task and task["state"] in ("success", "skipped", "failed"):
            return task
        time.sleep(0.5)
