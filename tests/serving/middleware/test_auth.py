"""A real service with API keys: who may ask what, how often, and what Reach's own commands need."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from registry.errors import VerifyError
from registry.service_client import ServiceClient
from registry.verify import verify_service
from serving.errors import ErrorResponse
from serving.middleware.api_keys import entry_for, make_key
from settings import ROOT
from tests.support.serving.running import Installation, ask, install, metric, serve, wait_until_ready

SHOP, EVENTS, OPERATOR = make_key(), make_key(), make_key()
RATE = 40
KEYS = {
    "REACH_API_KEYS": " ".join(
        [
            entry_for(SHOP, "shop", ["recommend"]),
            entry_for(EVENTS, "tracker", ["events"]),
            entry_for(OPERATOR, "operator", ["recommend", "admin"]),
        ]
    ),
    "REACH_RATE_LIMIT_PER_SECOND": str(RATE),
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = install(tmp_path_factory.mktemp("data"), "v1")
    installation.deploy("v1")
    return installation


@pytest.fixture(scope="module")
def anybody(installation: Installation) -> Iterator[httpx.Client]:
    with serve(installation, settings=KEYS) as client:
        wait_until_ready(client, installation)
        yield client


def _with(client: httpx.Client, key: str) -> httpx.Client:
    return httpx.Client(base_url=client.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=30)


def test_without_a_key_only_health_and_what_the_api_is_are_answered(anybody: httpx.Client) -> None:
    assert anybody.get("/livez").status_code == 200
    assert anybody.get("/readyz").status_code == 200
    for path in ("/", "/docs.json", "/ui/", "/ui/api.js"):  # what the API is, and pages that ask for a key
        assert anybody.get(path).status_code == 200, path
    for method, path in [
        ("POST", "/recommend"),
        ("GET", "/metrics"),
        ("GET", "/schema.json"),
        ("GET", "/no-such-path"),
    ]:
        answer = anybody.request(method, path)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert ErrorResponse.model_validate(answer.json()).error.startswith("An API key is needed.")


def test_a_key_opens_what_its_scopes_name_and_nothing_else(anybody: httpx.Client) -> None:
    with _with(anybody, SHOP) as shop, _with(anybody, EVENTS) as tracker, _with(anybody, OPERATOR) as operator:
        assert ask(shop, "buyer").status_code == 200
        assert shop.get("/metrics").status_code == 403
        assert ask(tracker, "buyer").status_code == 403
        assert operator.get("/metrics").status_code == 200
        assert operator.get("/no-such-path").status_code == 404


def test_a_wrong_key_is_401_before_the_body_is_read(anybody: httpx.Client) -> None:
    with _with(anybody, make_key()) as stranger:
        assert stranger.post("/recommend", content=b"{").status_code == 401


def test_a_key_that_asks_too_often_is_told_to_wait_while_others_are_answered(anybody: httpx.Client) -> None:
    with _with(anybody, SHOP) as shop, _with(anybody, OPERATOR) as operator:
        answers = [shop.post("/recommend", content=b"") for _ in range(4 * RATE)]
        refused = [answer for answer in answers if answer.status_code == 429]

        assert refused
        assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
        assert "times a second" in ErrorResponse.model_validate(refused[0].json()).error
        assert ask(operator, "buyer").status_code == 200
        assert metric(operator, 'reach_requests_rejected_total{status="429"}') == len(refused)


def test_verification_works_with_a_key_and_says_which_one_it_needs(
    anybody: httpx.Client, installation: Installation
) -> None:
    port = anybody.base_url.port or 0
    verified = verify_service(installation.registry, installation.store, ServiceClient(port, SHOP), "v1", 30, "test")
    assert verified

    for key, words in [(None, "is not set"), (EVENTS, r"\(403\)"), (make_key(), r"\(401\)")]:
        with pytest.raises(
            VerifyError, match=f"REACH_CLIENT_API_KEY.*{words}.*'.venv/bin/python -m serving hash-key reach recommend'"
        ):
            verify_service(installation.registry, installation.store, ServiceClient(port, key), "v1", 1, "test")
    champion = installation.registry.champion()
    assert champion is not None, "a missing key must not roll anything back"
    assert champion.version == "v1"


def test_no_key_reaches_the_log(anybody: httpx.Client, installation: Installation) -> None:
    stranger = make_key()
    with _with(anybody, stranger) as client:
        ask(client, "buyer")
    log = installation.log.read_text()

    assert "Version v1 serves now" in log
    assert [key for key in (SHOP, EVENTS, OPERATOR, stranger) if key in log] == []


def test_bentoml_itself_refuses_to_start_beyond_loopback_without_keys(installation: Installation) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bentoml", "serve", "serving.service:service", "--host", "0.0.0.0", "--port", "1"],
        cwd=ROOT,
        env={"REACH_DATA": str(installation.data), "BENTOML_HOME": str(installation.paths.bentoml), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ended.returncode != 0
    assert "Without API keys the service listens on loopback only, not on 0.0.0.0." in ended.stderr
