"""`POST /events` on the real service: durable, once, at once, and seen by every worker."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from events.factory import open_event_log
from settings import Settings
from tests.support.servers.kafka_cluster import kafka_cluster
from tests.support.servers.redis_server import PASSWORD, redis_server
from tests.support.serving.running import Installation, ask, install, metric, serve, wait_until_ready

JournalSettings = dict[str, str]


def event(event_id: str, customer_id: str = "buyer", **fields: Any) -> dict[str, Any]:
    given = {"product_id": "p9", "event_type": "purchase", "occurred_at": "2018-01-01T10:00:00Z"}
    return {"event_id": event_id, "customer_id": customer_id} | given | fields


def send(client: httpx.Client, *events: dict[str, Any]) -> httpx.Response:
    return client.post("/events", json={"events": events})


def shown(client: httpx.Client, customer_id: str = "buyer", **more: Any) -> list[str]:
    return [item["product_id"] for item in ask(client, customer_id, **more).json()["items"]]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installed = install(tmp_path_factory.mktemp("events") / "data", "v1")
    installed.deploy("v1")
    return installed


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with serve(installation) as client:
        wait_until_ready(client, installation)
        yield client


def rows(installation: Installation) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    event_log = open_event_log(Settings(data=installation.data))
    page = event_log.read_from(None, 10_000)
    event_log.close()
    return list(page.events), list(page.decisions)


def test_a_purchase_changes_the_next_list(client: httpx.Client) -> None:
    before = shown(client)
    assert "p9" not in before[:3]
    bought = [event(f"often-{n}", occurred_at=f"2018-01-01T{n + 10}:00:00Z") for n in range(3)]
    assert send(client, *bought).json() == {"accepted": 3, "duplicates": 0}
    # p3 has 2 + nothing new, p5 has 1, p9 is bought now: it weighs 1 (one basket a day)
    assert shown(client).index("p9") < before.index("p9")
    assert "p9" not in shown(client, slate="explore")


def test_events_count_once(client: httpx.Client) -> None:
    first = event("once", "counted")
    assert send(client, first, event("twice", "counted"), first).json() == {"accepted": 2, "duplicates": 1}
    assert send(client, event("once", "counted", product_id="p1")).json() == {"accepted": 0, "duplicates": 1}
    assert metric(client, 'reach_events_total{outcome="duplicate"}') >= 2


def test_an_unknown_customer_with_a_purchase_gets_a_personal_list(client: httpx.Client) -> None:
    assert ask(client, "stranger").json()["fallback"] == "unknown_customer"
    send(client, event("first", "stranger", product_id="p9"))
    answer = ask(client, "stranger").json()
    assert answer["fallback"] is None
    assert answer["items"][0]["product_id"] == "p9"  # 10 for the basket, 3 for its popularity; p0 has 12


def test_looking_of_long_ago_is_written_down_and_does_not_move_the_list(
    client: httpx.Client, installation: Installation
) -> None:
    before = shown(client, "looker")
    kinds = ["cart", "click", "view", "impression"]
    send(client, *(event(f"look-{kind}", "looker", event_type=kind, request_id="r1") for kind in kinds))
    assert shown(client, "looker") == before
    found = [row for row in rows(installation)[0] if row["customer_id"] == "looker"]
    assert [(row["event_type"], row["request_id"]) for row in found] == [(kind, "r1") for kind in kinds]


def test_a_list_that_nobody_is_shown_is_no_decision(client: httpx.Client, installation: Installation) -> None:
    staff = ask(client, "looker", preview=True).json()["request_id"]
    similar = client.post("/similar_items", json={"product_id": "p1", "preview": True}).json()["request_id"]
    assert decided(installation, ask(client, "looker").json()["request_id"])
    assert not {staff, similar} & {row["request_id"] for row in rows(installation)[1]}


def test_a_product_nobody_knows_is_written_down_and_left_out(client: httpx.Client) -> None:
    assert send(client, event("odd", "odd", product_id="unheard of")).json()["accepted"] == 1
    assert ask(client, "odd").json()["fallback"] == "unknown_customer"
    assert metric(client, "reach_unknown_purchases_total") >= 1


def test_the_basket_counts_as_bought_now(client: httpx.Client) -> None:
    answer = ask(client, "nobody at all", context={"basket": ["p7"]}).json()
    assert answer["fallback"] is None
    assert "p7" not in [item["product_id"] for item in answer["items"]]


def test_the_clock_of_the_request_ages_what_was_bought(client: httpx.Client) -> None:
    """Ten weights of a purchase against the popularity of p0, which is 12: a day later p11 leads, a year later not."""
    send(client, *(event(f"aged-{n}", "aged", product_id="p11", occurred_at=f"2018-01-0{n}T10:00:00Z") for n in (2, 3)))
    soon = shown(client, "aged", context={"time": "2018-01-04T00:00:00Z"})
    later = shown(client, "aged", context={"time": "2019-06-04T00:00:00Z"})
    assert (soon[0], later[0]) == ("p11", "p0")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"event_type": "sale"}, "events[0].event_type"),
        ({"occurred_at": "2018-01-01T10:00:00"}, "events[0].occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "events[0].occurred_at"),
        ({"occurred_at": 1514800000}, "events[0].occurred_at"),
        ({"quantity": 0}, "events[0].quantity"),
        ({"price": -1}, "events[0].price"),
        ({"product_id": "x" * 65}, "events[0].product_id"),
        ({"basket_id": "b1"}, "events[0].basket_id"),
    ],
)
def test_a_wrong_event_is_explained_and_nothing_of_its_batch_is_kept(
    client: httpx.Client, installation: Installation, wrong: dict[str, Any], field: str
) -> None:
    response = send(client, event("bad", "bad") | wrong, event("good beside bad", "bad"))
    assert (response.status_code, list(response.json()["fields"])) == (400, [field])
    assert [row for row in rows(installation)[0] if row["customer_id"] == "bad"] == []


@pytest.mark.parametrize("occurred_at", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_clock_that_was_never_set_is_refused(client: httpx.Client, occurred_at: str) -> None:
    response = send(client, event("reset", "sleeper", occurred_at=occurred_at))
    assert response.status_code == 409
    assert "before 1990-01-01" in response.json()["error"]


@pytest.mark.parametrize("blank", ["", " ", "\u00a0", "null"])
@pytest.mark.parametrize("field", ["event_id", "customer_id", "product_id"])
def test_a_blank_id_is_refused(client: httpx.Client, field: str, blank: str) -> None:
    response = send(client, event("blank", "somebody") | {field: blank})
    assert response.status_code == 400
    assert f"events[0].{field}" in response.json()["fields"]


def test_blanks_around_ids_are_dropped(client: httpx.Client, installation: Installation) -> None:
    send(client, event(" padded ", " padder ", product_id=" p9"))
    found = [row for row in rows(installation)[0] if row["customer_id"] == "padder"]
    assert [(row["event_id"], row["product_id"]) for row in found] == [("padded", "p9")]


def test_the_future_is_refused(client: httpx.Client, installation: Installation) -> None:
    response = send(client, event("now", "seer"), event("later", "seer", occurred_at="2999-01-01T00:00:00Z"))
    assert response.status_code == 409
    assert "'events[1].occurred_at'" in response.json()["error"]
    assert [row for row in rows(installation)[0] if row["customer_id"] == "seer"] == []


def test_a_batch_has_an_end(client: httpx.Client) -> None:
    assert send(client).status_code == 400
    most = [event(f"many-{n}", "many") for n in range(501)]
    assert send(client, *most).status_code == 400
    assert send(client, *most[:500]).json() == {"accepted": 500, "duplicates": 0}


def test_what_was_shown_is_in_the_decision_log(client: httpx.Client, installation: Installation) -> None:
    answer = ask(client, "buyer", k=3, slate="explore").json()
    found = decided(installation, answer["request_id"])
    assert [(row["position"], row["product_id"], row["source"]) for row in found] == [
        (place, item["product_id"], item["source"]) for place, item in enumerate(answer["items"], start=1)
    ]
    assert {(row["customer_id"], row["slate"], row["model_version"]) for row in found} == {("buyer", "explore", "v1")}


def test_similar_items_are_in_the_decision_log_without_a_customer(
    client: httpx.Client, installation: Installation
) -> None:
    answer = client.post("/similar_items", json={"product_id": "p1", "k": 3}).json()
    found = decided(installation, answer["request_id"])

    assert [row["product_id"] for row in found] == [item["product_id"] for item in answer["items"]]
    assert {(row["customer_id"], row["slate"], row["model_version"]) for row in found} == {(None, "similar", "v1")}


def decided(installation: Installation, request_id: str) -> list[dict[str, Any]]:
    """Return the entries of the decision log for an answer, as soon as there are any."""
    found: list[dict[str, Any]] = []
    for _ in range(600):
        found = [row for row in rows(installation)[1] if row["request_id"] == request_id]
        if found:
            break
        time.sleep(0.05)
    return found


def test_no_customer_is_in_the_log(client: httpx.Client, installation: Installation) -> None:
    send(client, event("secret", "secret customer"))
    ask(client, "secret customer")
    assert "secret customer" not in installation.log.read_text()


def test_the_last_decisions_are_written_when_the_service_stops(tmp_path: Path) -> None:
    installed = install(tmp_path / "data", "v1")
    installed.deploy("v1")
    with serve(installed) as client:
        wait_until_ready(client, installed)
        answers = [ask(client, "buyer").json()["request_id"] for _ in range(20)]
    assert {row["request_id"] for row in rows(installed)[1]} >= set(answers)


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.redis), "kafka"])
def journal_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JournalSettings]:
    if request.param == "sqlite":
        yield {}
        return
    if request.param == "kafka":
        with kafka_cluster() as servers:
            yield {"REACH_KAFKA_BOOTSTRAP_SERVERS": servers}
        return
    with redis_server(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as (address, _):
        yield {"REACH_ONLINE_STORE": "redis", "REACH_REDIS": address, "REACH_REDIS_PASSWORD": PASSWORD}


def test_two_workers_share_events_and_a_kill_loses_no_acknowledged_one(
    tmp_path: Path, journal_settings: JournalSettings
) -> None:
    installed = install(tmp_path / "data", "v1")
    installed.deploy("v1")
    two = journal_settings | {"BENTOML_CONFIG_OPTIONS": "services.reach.workers=2"}
    acknowledged: set[str] = set()
    others = _workers()  # of a service that other tests share
    with serve(installed, settings=two) as client:
        wait_until_ready(client, installed)
        with ThreadPoolExecutor(8) as senders:
            for answer in senders.map(lambda n: _send_and_ask(client.base_url, n), range(40)):
                assert answer[0] == f"p{1 + int(answer[1]) % 8}"
                acknowledged.add(f"e{answer[1]}")
        workers = _workers() - others
        assert len(workers) == 2
        for number in range(40, 60):
            assert send(client, event(f"e{number}", f"c{number}")).json()["accepted"] == 1
            acknowledged.add(f"e{number}")
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
    kept = open_event_log(
        Settings(
            data=installed.data,
            online_store="redis" if "REACH_REDIS" in journal_settings else "sqlite",
            kafka_bootstrap_servers=journal_settings.get("REACH_KAFKA_BOOTSTRAP_SERVERS"),
            redis=journal_settings.get("REACH_REDIS", "localhost:6379"),
            redis_password=PASSWORD,
        )
    )
    found: set[str] = set()
    page = kept.read_from(None)
    while page.events or page.decisions:
        found |= {row["event_id"] for row in page.events}
        page = kept.read_from(page.position)
    assert found == acknowledged
    kept.close()


def _send_and_ask(url: httpx.URL, number: int) -> tuple[str, str]:
    """Buy on one connection and ask on several others, so that both workers are asked; the answers must agree."""
    customer = f"c{number}"
    with httpx.Client(base_url=url, timeout=30) as client:
        bought = event(f"e{number}", customer, product_id=f"p{1 + number % 8}", quantity=3)
        assert send(client, bought).json() == {"accepted": 1, "duplicates": 0}
    first = set()
    for _ in range(4):
        with httpx.Client(base_url=url, timeout=30) as client:
            first.add(shown(client, customer)[0])
    assert len(first) == 1
    return first.pop(), str(number)


def _workers() -> set[int]:
    children = psutil.Process().children(recursive=True)
    return {child.pid for child in children if "_bentoml_impl.worker.service" in child.cmdline()}
