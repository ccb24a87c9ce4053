"""From landed files to HTTP answers through a real Airflow whose scheduler is killed on the way.

The tests of this file are steps of one scenario, in order, on one installation.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pyarrow.parquet as pq
import pytest

from core.clock import utc_now
from local.airflow.follow import follow
from local.errors import DemoError
from local.processes import processes_of
from local.service import sample_customers
from outbox.history import consents_at, occurrences
from outbox.store import open_store, store_url
from tests.support.e2e.installation import AS_OF, Installation
from tests.support.outbox.mail_sink import MailSink, mail_sink

pytestmark = pytest.mark.e2e

CAMPAIGN = """
id = "hello"
status = "running"
goal = "Reach everybody who may be reached"
message_class = "promotional"
purpose = "marketing"
[audience]
everybody = true
[recommendations]
slate = "explore"
[[content]]
name = "all"
subject = "{{ products[0].name }}"
text = "New for you: {{ products[0].name }}. No more: {{ unsubscribe_url }}"
[experiment]
holdout = 0.2
"""
# Without quiet hours, so that the test can run at night.
POLICY = "[classes.promotional]\nper_day = 1\n"


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def installation(
    code: Path, small_landing: Path, sink: MailSink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("journey")
    (folder / "policy.toml").write_text(POLICY)
    installation = Installation(code, folder / "data", small_landing)
    installation.environment |= {
        "REACH_SMTP_URL": f"smtp://127.0.0.1:{sink.port}",
        "REACH_SMTP_FROM": "Shop <news@shop.example>",
        "REACH_UNSUBSCRIBE_URL": f"http://127.0.0.1:{installation.settings.service_port}/unsubscribe",
        "REACH_UNSUBSCRIBE_KEY": "the-key-of-a-test-that-is-long-enough",
        "REACH_CONTACT_POLICY": str(folder / "policy.toml"),
    }
    yield installation
    installation.programs.stop_all()


def test_a_killed_scheduler_is_noticed(installation: Installation) -> None:
    demo = installation.start("local", "start")
    _wait_for_task(installation, "build_features", "dbt.dbt_producer_watcher", "running")
    scheduler = installation.programs.running("scheduler")
    assert scheduler
    for process in [psutil.Process(scheduler), *psutil.Process(scheduler).children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    printed, _ = demo.communicate()
    assert demo.returncode == 1
    assert "Airflow's scheduler has ended" in printed
    assert not installation.settings.paths.features.exists()


def test_the_same_command_goes_on_and_ends_in_answers(installation: Installation, undisturbed: str) -> None:
    printed = installation.run("local", "start")
    assert "runs already" not in printed.split("build_features")[0]
    assert len(installation.api.runs("build_features")) == 1
    assert len(installation.api.runs("retrain_recommender")) == 1
    # The features equal those of an undisturbed run.
    assert installation.published == undisturbed
    assert "will buy next" in printed


# On two hundred customers the rule may well be left with the `all` lists.
@pytest.mark.parametrize(("slate", "answered_by"), [("all", (None, "baseline")), ("explore", (None,))])
def test_a_known_customer_gets_named_products_with_reasons(
    installation: Installation, slate: str, answered_by: tuple[str | None, ...]
) -> None:
    answer = installation.ask(customer_id=_somebody(installation), slate=slate, k=5).json()
    assert answer["as_of"].startswith(str(AS_OF))
    assert answer["fallback"] in answered_by
    assert len(answer["items"]) == 5
    assert all(item["name"] and item["reason"] for item in answer["items"])


@pytest.mark.parametrize("slate", ["all", "explore"])
def test_the_batch_file_holds_the_services_lists(installation: Installation, tmp_path: Path, slate: str) -> None:
    out = tmp_path / "lists.parquet"
    installation.run("ml", "recommend", f"--as-of={AS_OF}", f"--slate={slate}", "--k=20", f"--out={out}")
    rows = pq.read_table(out).to_pylist()
    customers = sorted({row["customer_id"] for row in rows})
    assert len(rows) == 20 * len(customers)
    same = 0
    for place, customer_id in enumerate(customers[:200]):
        batch = [row for row in rows if row["customer_id"] == customer_id]
        items = installation.ask(customer_id=customer_id, slate=slate, k=20).json()["items"]
        same += len({row["product_id"] for row in batch[:10]} & {item["product_id"] for item in items[:10]})
        if place % 20:
            continue
        assert [row["rank"] for row in batch] == list(range(1, 21))
        assert [row["product_id"] for row in batch] == [item["product_id"] for item in items]
        assert [row["source"] for row in batch] == [item["source"] for item in items]
        assert [row["score"] for row in batch] == pytest.approx([item["score"] for item in items], abs=1e-4)
    assert same >= 0.99 * 10 * len(customers[:200])


def test_the_service_reads_the_features_that_training_reads(installation: Installation) -> None:
    latest = installation.settings.paths.runs / "latest"
    assert json.loads((latest / "parity.json").read_text()) == {"agreement": 1.0}


def test_an_unknown_customer_gets_a_marked_fallback(installation: Installation) -> None:
    answer = installation.ask(customer_id="nobody").json()
    assert answer["fallback"] == "unknown_customer"
    assert answer["items"]


def test_a_malformed_request_is_refused_with_a_reason(installation: Installation) -> None:
    answer = installation.ask(customer_id="1", k=1000)
    assert answer.status_code == 400
    assert "100" in answer.text


def test_what_came_of_an_answer_is_counted_once_however_often_it_is_collected(installation: Installation) -> None:
    somebody = _somebody(installation)
    answer = installation.ask(customer_id=somebody, slate="all", k=3).json()
    now = datetime.now(UTC).isoformat()
    event = {"customer_id": somebody, "product_id": answer["items"][1]["product_id"], "occurred_at": now}
    events = [
        {**event, "event_id": f"journey-{kind}", "event_type": kind, "request_id": answer["request_id"]}
        for kind in ("click", "purchase")
    ]
    for _ in range(2):
        assert installation.report(*events).status_code == 200
        installation.run("local", "run", "collect_feedback")
        assert installation.facts("SELECT count(*), count_if(is_outcome) FROM fct_events") == [(2, 2)]
        shown = installation.facts(
            "SELECT position, product_id, clicked_at IS NOT NULL, purchased_at IS NOT NULL FROM fct_decisions "
            f"WHERE request_id = '{answer['request_id']}' ORDER BY position"
        )
        bought = (False, True, False)
        items = answer["items"]
        assert shown == [(n + 1, items[n]["product_id"], bought[n], bought[n]) for n in range(3)]


def test_a_campaign_is_planned_and_sent_by_airflow_once_a_person_switches_it_on(
    installation: Installation, sink: MailSink
) -> None:
    assert installation.api.is_paused("run_campaigns")
    assert installation.api.is_paused("send_outbox")
    folder = installation.settings.campaigns_folder
    folder.mkdir()
    (folder / "hello.toml").write_text(CAMPAIGN)
    _run_dag(installation, "run_campaigns")
    assert sink.received == []
    _run_dag(installation, "send_outbox")
    # Planned customers get one message each, all have a consent and an address, and the hold-out gets none.
    with contextlib.closing(open_store(store_url(installation.settings))) as store:
        decided = occurrences(store, "hello").to_pylist()
        planned = {row["customer_id"] for row in decided if row["outcome"] == "planned"}
        held_out = {row["customer_id"] for row in decided if row["outcome"] == "held_out"}
        assert {f"customer-{customer_id}@demo.invalid" for customer_id in planned} == set(sink.addresses)
        # About 70 customers are eligible, and each is held out with a probability of 20%.
        assert len(planned) == len(sink.addresses) > 30
        assert held_out
        allowed = {row["customer_id"] for row in consents_at(store, utc_now()).to_pylist() if row["granted"]}
        assert planned | held_out < allowed

        link = str(sink.received[0]["List-Unsubscribe"]).strip("<>")
        assert httpx.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=30).status_code == 200
        left = {row["customer_id"] for row in consents_at(store, utc_now()).to_pylist() if row["granted"]}
        assert [f"customer-{customer_id}@demo.invalid" for customer_id in allowed - left] == sink.addresses[:1]


def test_the_same_command_again_builds_nothing(installation: Installation) -> None:
    printed = installation.run("local", "start")
    assert [line.split(":")[0] for line in printed.splitlines() if "used again" in line] == [
        "Features",
        "Model",
        "Scores of customers",
    ]
    assert "Airflow: runs already" in printed
    assert "Service: runs already" in printed
    assert len(installation.api.runs("build_features")) == 1
    assert len(installation.api.runs("retrain_recommender")) == 1
    assert len(installation.api.runs("score_customers")) == 1


def test_a_second_version_is_deployed_under_the_running_service_and_taken_back(
    installation: Installation,
) -> None:
    somebody = _somebody(installation)
    service = installation.programs.running("service")
    first = installation.ask(customer_id=somebody).json()["model_version"]
    installation.run("local", "run", "retrain_recommender", "--epochs", "2", "--reason", "a second opinion")
    second = installation.ask(customer_id=somebody).json()["model_version"]
    assert second != first
    assert "a second opinion" in (installation.settings.paths.release / "recommender" / "log.jsonl").read_text()

    installation.run("registry", "rollback", "--reason", "the first was dearer to us")
    _wait_for_version(installation, somebody, first)
    assert installation.programs.running("service") == service


def test_a_taken_port_is_named(installation: Installation, code: Path, tmp_path: Path) -> None:
    other = Installation(code, tmp_path / "data", installation.code)
    other.environment["REACH_AIRFLOW_PORT"] = str(installation.settings.airflow_port)
    process = other.start("local", "start")
    printed, _ = process.communicate()
    assert process.returncode == 1
    assert f"Port {installation.settings.airflow_port}" in printed
    assert "REACH_AIRFLOW_PORT" in printed


def test_nothing_is_left_running_after_down(installation: Installation) -> None:
    assert processes_of(installation.settings.data)
    installation.run("local", "stop")
    assert processes_of(installation.settings.data) == []
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{installation.settings.service_port}/readyz")
    mentioned = [p for p in psutil.process_iter() if str(installation.settings.data) in _words(p)]
    assert mentioned == []


def _run_dag(installation: Installation, dag_id: str) -> None:
    """Switch a DAG on, run it once, and wait for the end."""
    installation.api.unpause(dag_id)
    run_id = installation.api.trigger(dag_id, {})
    follow(installation.api, dag_id, run_id, print, lambda: None)


def _wait_for_task(installation: Installation, dag_id: str, task_id: str, state: str) -> None:
    while True:
        with contextlib.suppress(DemoError, OSError):
            for run in installation.api.runs(dag_id):
                tasks = installation.api.tasks(dag_id, run["dag_run_id"])
                if any(task["task_id"] == task_id and task["state"] == state for task in tasks):
                    return
        time.sleep(0.5)


def _wait_for_version(installation: Installation, customer_id: str, version: str) -> None:
    while installation.ask(customer_id=customer_id).json()["model_version"] != version:
        time.sleep(0.2)


def _somebody(installation: Installation) -> str:
    return next(iter(sample_customers(installation.settings).values()))


def _words(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        if process.pid != os.getpid():
            return " ".join([*process.cmdline(), process.cwd()])
    return ""
