"""A new champion under load: no restart, no failed request; a broken one is refused."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from registry.errors import VerifyError
from registry.service_client import ServiceClient
from registry.verify import verify_service
from tests.support.serving.running import Installation, ask, install, metric, serve, wait_for_version, wait_until_ready


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(tmp_path_factory.mktemp("data"), "v1", "v2", "v3", "v4")


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with serve(installation) as client:
        yield client


@contextmanager
def load(client: httpx.Client) -> Iterator[Counter[str]]:
    """Ask without a pause on several connections; counts answers by version and failures by kind."""
    answers: Counter[str] = Counter()
    stop = threading.Event()

    def work() -> None:
        with httpx.Client(base_url=client.base_url, timeout=30) as mine:
            while not stop.is_set():
                try:
                    answer = ask(mine, "buyer", k=5)
                    answers[answer.json()["model_version"] if answer.status_code == 200 else "failed"] += 1
                except httpx.TransportError:
                    answers["failed"] += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def check(installation: Installation, client: httpx.Client, version: str) -> bool:
    service = ServiceClient(client.base_url.port or 0)
    return verify_service(installation.registry, installation.store, service, version, 60, "test")


def test_before_the_first_deployment_it_runs_is_not_ready_and_says_what_to_do(client: httpx.Client) -> None:
    answer = ask(client, "buyer")

    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert answer.status_code == 503
    assert "python -m registry deploy" in answer.json()["error"]
    assert answer.headers["Retry-After"] == "5"


def test_the_first_deployment_makes_it_ready_without_a_restart(
    client: httpx.Client, installation: Installation
) -> None:
    installation.deploy("v1")
    wait_until_ready(client, installation)

    assert check(installation, client, "v1")
    assert ask(client, "buyer").json()["model_version"] == "v1"


def test_deploy_and_rollback_under_load_fail_no_request(client: httpx.Client, installation: Installation) -> None:
    with load(client) as answers:
        for version in ("v2", "v3"):
            installation.deploy(version)
            assert check(installation, client, version)
        for version in ("v2", "v1"):
            installation.registry.rollback("a test", "test")
            wait_for_version(client, version, installation)
        time.sleep(0.2)

    assert answers["failed"] == 0
    assert set(answers) == {"v1", "v2", "v3"}
    assert metric(client, "reach_model_reloads_total") == 5


def test_the_previous_version_is_at_hand_even_if_its_files_are_gone(
    client: httpx.Client, installation: Installation
) -> None:
    installation.deploy("v2")
    wait_for_version(client, "v2", installation)
    entry = installation.store.path("v1")
    hidden = entry.rename(entry.with_name("hidden"))
    installation.registry.rollback("a test", "test")
    wait_for_version(client, "v1", installation)
    hidden.rename(entry)


def test_a_corrupt_bundle_is_refused_while_the_old_one_answers_and_verify_goes_back(
    client: httpx.Client, installation: Installation
) -> None:
    ranker = installation.store.path("v4") / "model" / "ranker.onnx"
    sound = ranker.read_bytes()
    ranker.write_bytes(sound[:-1] + b"x")
    with load(client) as answers:
        installation.deploy("v4")
        _wait_for_generation(client, installation.registry.generation(), "rejected")
        with pytest.raises(VerifyError, match=r"ranker\.onnx.*Rolled back to v1\."):
            check(installation, client, "v4")
        _wait_for_generation(client, installation.registry.generation())
    ranker.write_bytes(sound)

    assert set(answers) == {"v1"}
    assert metric(client, 'reach_model_load_failures_total{version="v4"}') == 1
    assert "Version v4 is refused, v1 keeps serving" in installation.log.read_text()


def test_a_bundle_that_answers_its_golden_requests_otherwise_is_refused(
    client: httpx.Client, installation: Installation
) -> None:
    installation.put("wrong")
    _falsify_golden(installation.store.path("wrong"))
    installation.deploy("wrong")
    with pytest.raises(VerifyError, match=r"golden request.*Rolled back to v1\."):
        check(installation, client, "wrong")

    assert ask(client, "buyer").json()["model_version"] == "v1"


def test_a_damaged_pointer_changes_nothing_until_it_is_mended(client: httpx.Client, installation: Installation) -> None:
    pointer = installation.paths.release / "recommender" / "champion.json"
    pointer.write_text("{")
    time.sleep(0.5)
    assert ask(client, "buyer").json()["model_version"] == "v1"

    installation.registry.reconcile()
    installation.deploy("v2")
    wait_for_version(client, "v2", installation)


def test_withdrawing_the_champion_ends_in_503(client: httpx.Client, installation: Installation) -> None:
    installation.registry.unset_champion("a test", "test")
    _wait_for_generation(client, installation.registry.generation())

    assert ask(client, "buyer").status_code == 503
    installation.deploy("v3")
    wait_for_version(client, "v3", installation)


def _wait_for_generation(client: httpx.Client, generation: int, state: str = "serving") -> None:
    deadline = time.monotonic() + 60
    sample = re.compile(rf'reach_champion_generation\{{pid="\d+",state="{state}"\}} {generation}\.0')
    while not sample.search(client.get("/metrics").text):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _falsify_golden(bundle: Path) -> None:
    """Expect another answer, with every hash in order."""
    from core.files.bundle import MANIFEST, hash_files
    from scoring.bundle import GOLDEN

    golden = json.loads((bundle / GOLDEN).read_text())
    golden[0]["product_ids"].reverse()
    (bundle / GOLDEN).write_text(json.dumps(golden))
    manifest = json.loads((bundle / MANIFEST).read_text())
    files = hash_files(bundle)
    files.pop("model.yaml")
    (bundle / MANIFEST).write_text(json.dumps(manifest | {"files": files}))
