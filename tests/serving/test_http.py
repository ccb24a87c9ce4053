"""The service over HTTP, as a shop's developer meets it."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.config import CONFIG
from tests.serving.api.test_grammar import FIELDS
from tests.support.serving.running import Installation, ask, install, metric, serve, wait_until_ready
from tests.support.serving.small_bundle import buyer_features
from tests.support.serving.stubbed_service import FAILING, HANGING


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = install(tmp_path_factory.mktemp("data"), "v1")
    installation.deploy("v1")
    stale = buyer_features("p3") | {"event_timestamp": "2017-12-01"}
    installation.write_customers(
        buyer=buyer_features("p3", "p5"), newcomer={"customer_profile__products": 0.0}, stale=stale
    )
    return installation


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with serve(installation) as client:
        wait_until_ready(client, installation)
        yield client


def test_a_known_customer_gets_a_personal_list_with_names_sources_and_reasons(client: httpx.Client) -> None:
    answer = ask(client, "buyer", k=3).json()

    # all = 10 x decayed_120d + buyers_4w: p3 10 x 2 + 9, p5 10 x 1 + 7, then p0 with the most buyers, 12
    assert [(item["product_id"], item["score"]) for item in answer["items"]] == [
        ("p3", 29.0),
        ("p5", 17.0),
        ("p0", 12.0),
    ]
    assert answer["fallback"] is None
    assert (answer["model_version"], answer["as_of"]) == ("v1", "2018-01-01")
    assert set(answer) == FIELDS
    first = answer["items"][0]
    assert set(first) == {"product_id", "name", "category", "score", "source", "reason"}
    words = "You bought this twice, last 2 days ago"
    assert (first["name"], first["category"], first["source"], first["reason"]) == (
        "Product 3",
        None,
        "repeat_purchases",
        words,
    )


def test_a_product_without_a_name_has_null_in_its_place(client: httpx.Client) -> None:
    items = {item["product_id"]: item for item in ask(client, "buyer", k=12).json()["items"]}
    like = client.post("/similar_items", json={"product_id": "p1", "k": 11}).json()["items"]

    assert items["p11"]["name"] is None
    assert items["p10"]["name"] == "Product 10"
    assert {item["name"] for item in like if item["product_id"] == "p11"} == {None}


def test_the_explore_slate_holds_nothing_the_customer_ever_bought(client: httpx.Client) -> None:
    items = ask(client, "buyer", slate="explore", k=10).json()["items"]

    assert [item["product_id"] for item in items[:4]] == ["p0", "p1", "p2", "p4"]
    assert not {"p3", "p5"} & {item["product_id"] for item in items}


@pytest.mark.parametrize(("customer", "fallback"), [("nobody", "unknown_customer"), ("newcomer", "empty_history")])
def test_a_customer_without_a_history_gets_popular_products_and_is_told_why(
    client: httpx.Client, customer: str, fallback: str
) -> None:
    before = metric(client, f'reach_recommendations_total{{fallback="{fallback}",slate="all"}}')
    answer = ask(client, customer, k=2).json()

    assert answer["fallback"] == fallback
    assert [item["product_id"] for item in answer["items"]] == ["p0", "p1"]
    assert metric(client, f'reach_recommendations_total{{fallback="{fallback}",slate="all"}}') == before + 1


def test_a_number_and_its_spelling_are_one_customer(client: httpx.Client, installation: Installation) -> None:
    customers = json.loads((installation.data / "customers.json").read_text())
    installation.write_customers(**customers | {"1250": buyer_features("p4")})

    by_number = client.post("/recommend", json={"customer_id": 1250}).json()
    assert by_number["fallback"] is None
    assert by_number["items"] == ask(client, "1250").json()["items"]


def test_every_answer_has_a_request_id_of_its_own(client: httpx.Client) -> None:
    assert ask(client, "buyer").json()["request_id"] != ask(client, "buyer").json()["request_id"]


BAD: list[tuple[Any, str]] = [
    ({}, "'customer_id' is missing: a string of 1 to 64 characters"),
    ({"customer_id": ""}, "'customer_id' is \"\"; allowed: a string of 1 to 64 characters"),
    ({"customer_id": None}, "'customer_id' is null; allowed"),
    ({"customer_id": True}, "'customer_id' is true; allowed"),
    ({"customer_id": "x" * 65}, "(67 characters); allowed: a string of 1 to 64"),
    ({"customer_id": "a", "k": 0}, "'k' is 0; allowed: a whole number from 1 to 100."),
    ({"customer_id": "a", "k": 101}, "'k' is 101; allowed"),
    ({"customer_id": "a", "k": "5"}, "'k' is \"5\"; allowed"),
    ({"customer_id": "a", "k": 2.5}, "'k' is 2.5; allowed"),
    ({"customer_id": "a", "slate": "best"}, "'slate' is \"best\"; allowed: 'all'"),
    (
        {"customer_id": "a", "count": 5},
        "'count' is not a field of this request; the fields are customer_id, slate, k, exclude,",
    ),
    ([], "The body is not a JSON object."),
    (b"", "The body is empty."),
    (b'{"customer_id": "a"', "The body is not valid JSON: EOF"),
    (b'{"customer_id": "a", "k": NaN}', "'k'"),
    (b'\xff\xfe{"customer_id": "a"}', "The body is not valid JSON"),
    (b'{"customer_id":' + b"[" * 5000, "The body is not valid JSON"),
]


@pytest.mark.parametrize(("body", "words"), BAD, ids=[words[:40] for _, words in BAD])
def test_a_wrong_request_is_400_and_says_field_value_and_what_is_allowed(
    client: httpx.Client, body: Any, words: str
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/recommend", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_all_wrong_fields_are_named_at_once(client: httpx.Client) -> None:
    answer = client.post("/recommend", json={"k": 0, "slate": "x", "top": 1}).json()

    assert set(answer["fields"]) == {"customer_id", "k", "slate", "top"}


def test_another_content_type_is_415_and_pickle_is_never_read(client: httpx.Client) -> None:
    for media_type in ("application/vnd.bentoml+pickle", "multipart/form-data", "text/plain", ""):
        answer = client.post("/recommend", content=b"x", headers={"Content-Type": media_type})
        assert answer.status_code == 415
        assert "send 'application/json'" in answer.json()["error"]


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_the_bound_is_413_whether_or_not_its_length_is_announced(
    client: httpx.Client, announced: bool
) -> None:
    body = b'{"customer_id": "' + b"x" * 5_000_000 + b'"}'
    content = body if announced else iter([body[i : i + 65_536] for i in range(0, len(body), 65_536)])
    try:
        answer = client.post("/recommend", content=content, headers={"Content-Type": "application/json"})
    except httpx.WriteError:
        return  # it hung up before it had read all: as good
    assert answer.status_code == 413


def test_a_body_that_trickles_in_is_given_up_and_others_are_answered_meanwhile(client: httpx.Client) -> None:
    host, port = client.base_url.host, client.base_url.port
    stalled = [socket.create_connection((host, port)) for _ in range(150)]
    for connection in stalled:
        connection.sendall(
            b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
        )
    statuses = {ask(client, "buyer").status_code for _ in range(20)}
    first_line = stalled[0].recv(200).split(b"\r\n")[0]
    for connection in stalled:
        connection.close()

    assert statuses == {200}
    assert first_line == b"HTTP/1.1 408 Request Timeout"


def test_a_hung_online_store_costs_a_fallback_and_no_request(client: httpx.Client, installation: Installation) -> None:
    personal = ask(client, "buyer").json()["items"]
    for _ in range(CONFIG.circuit_failures):
        answer = ask(client, HANGING)
        assert (answer.status_code, answer.json()["fallback"]) == (200, "features_unavailable")
    resting = ask(client, "buyer").json()  # the store is given a rest, and buyer was asked about before
    assert (resting["fallback"], resting["items"]) == ("cached_features", personal)
    assert ask(client, "never asked about").json()["fallback"] == "features_unavailable"
    assert metric(client, 'reach_feature_reads_total{outcome="timeout"}') == CONFIG.circuit_failures
    assert metric(client, 'reach_feature_reads_total{outcome="circuit_open"}') >= 1
    assert "answering without it" in installation.log.read_text()

    _wait_until_personal(client)
    assert "The online store answers again." in installation.log.read_text()


def test_a_failing_online_store_costs_a_fallback_and_its_words_stay_out_of_the_log(
    client: httpx.Client, installation: Installation
) -> None:
    for _ in range(CONFIG.circuit_failures):
        assert ask(client, FAILING).json()["fallback"] == "features_unavailable"

    log = installation.log.read_text()
    assert "RuntimeError" in log
    assert "no connection for" not in log
    _wait_until_personal(client)


def _wait_until_personal(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while ask(client, "buyer").json()["fallback"] is not None:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_no_customer_id_reaches_the_log(client: httpx.Client, installation: Installation) -> None:
    secret = "customer-4711-secret"
    ask(client, secret)
    ask(client, secret, k=0)
    ask(client, secret + "x" * 100)
    client.post("/rerank", json={"customer_id": secret, "product_ids": ["p1"]})
    client.post("/rerank", json={"customer_id": secret, "product_ids": []})
    client.post("/recommend", content=f'{{"customer_id": "{secret}"', headers={"Content-Type": "application/json"})
    assert client.post(f"/recommend/{secret}").status_code == 404

    assert "Service reach initialized" in installation.log.read_text()
    assert secret not in installation.log.read_text()
    assert secret not in client.get("/metrics").text


def test_health_readiness_metrics_and_openapi_are_answered(client: httpx.Client) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/docs.json", "/"):
        assert client.get(path).status_code == 200, path
    metrics = client.get("/metrics").text
    assert (
        'bentoml_service_request_duration_seconds_bucket{endpoint="/recommend",http_response_code="200",le="0.02"'
        in metrics
    )
    assert 'reach_bundle_info{as_of="2018-01-01",version="v1"} 1.0' in metrics
    (worker,) = client.get("/readyz").json()["workers"]["each"]
    assert f'reach_champion_generation{{pid="{worker["pid"]}",state="serving"}} 1.0' in metrics


def test_openapi_shows_a_request_one_can_send(client: httpx.Client) -> None:
    content = client.get("/docs.json").json()["paths"]["/recommend"]["post"]["requestBody"]["content"]

    assert client.post("/recommend", json=content["application/json"]["example"]).status_code == 200


def test_the_service_listens_on_loopback_only(client: httpx.Client) -> None:
    port = f"{client.base_url.port:04X}"
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line]

    assert [address for address in listening if address.endswith(f":{port}")] == [f"0100007F:{port}"]


def test_blas_has_one_thread_in_the_worker(client: httpx.Client) -> None:
    # The worker is the process whose Prometheus files the metrics come from.
    (pid,) = {
        line.split('pid="')[1].split('"')[0] for line in client.get("/metrics").text.splitlines() if 'pid="' in line
    }
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")

    assert b"OPENBLAS_NUM_THREADS=1" in environment
    assert b"OMP_NUM_THREADS=1" in environment


def test_nothing_is_written_outside_the_data_directory(client: httpx.Client, installation: Installation) -> None:
    assert ask(client, "buyer").status_code == 200
    assert list(installation.home.rglob("*")) == []
