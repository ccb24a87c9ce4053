"""A service of two workers, one of which loads slowly, as seen by /readyz, /metrics and `registry verify`."""

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from registry.errors import VerifyError
from registry.service_client import ServiceClient
from registry.verify import verify_service
from serving.__main__ import worker_count
from tests.support.serving.running import Installation, ask, install, metric, serve, wait_until_ready
from tests.support.serving.stubbed_service import HOLD


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = install(tmp_path_factory.mktemp("data"), "v1", "v2", "v3")
    installation.deploy("v1")
    return installation


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with serve(installation, settings=worker_count(2)) as client:
        wait_until_ready(client, installation)
        until(lambda: workers(client)["on_champion"] == 2)
        yield client


def workers(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/readyz").json()["workers"]
    return found


def until(condition: Callable[[], bool]) -> None:
    """Wait; a question that a killed worker took with it is asked again, as a client's retry does."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError("not so within 120 seconds")


def check(client: httpx.Client, installation: Installation, version: str, seconds: float) -> bool:
    service = ServiceClient(client.base_url.port or 0)
    return verify_service(installation.registry, installation.store, service, version, seconds, "test")


def test_verify_waits_for_the_slow_worker_and_rolls_nothing_back(
    client: httpx.Client, installation: Installation
) -> None:
    hold = installation.data / HOLD
    hold.touch()
    installation.deploy("v2")
    until(lambda: workers(client)["on_champion"] == 1)
    verified: list[bool] = []
    waiting = threading.Thread(target=lambda: verified.append(check(client, installation, "v2", 120)))
    waiting.start()

    seen = workers(client)
    assert (seen["live"], seen["lagging"]) == (2, 1)
    assert sorted((worker["version"], worker["state"]) for worker in seen["each"]) == [
        ("v1", "loading"),
        ("v2", "serving"),
    ]
    assert {ask(client, "nobody").json()["model_version"] for _ in range(20)} <= {"v1", "v2"}
    assert verified == []
    hold.with_suffix(".taken").unlink()
    waiting.join()
    assert verified == [True]
    assert workers(client)["on_champion"] == 2
    assert installation.registry.history()[-1].change == "deployed"


def test_a_stuck_worker_is_seen_in_readyz_metrics_and_verifys_words_until_it_is_killed(
    client: httpx.Client, installation: Installation
) -> None:
    hold = installation.data / HOLD
    hold.touch()
    installation.deploy("v3")
    until(lambda: workers(client)["on_champion"] == 1)
    (stuck,) = [worker for worker in workers(client)["each"] if worker["version"] == "v2"]
    since = installation.registry.history()[-1].changed_at.isoformat() + "Z"

    assert workers(client)["lagging_since"] == since
    for version in ("v2", "v3"):
        assert metric(client, f'reach_bundle_info{{as_of="2018-01-01",version="{version}"}}') == 1
    assert serving_generations(client)[stuck["pid"]] == 2
    with pytest.raises(VerifyError, match=rf"worker {stuck['pid']} serves v2 .*is loading v3.*v3 was not rolled back"):
        check(client, installation, "v3", 0.1)
    champion = installation.registry.champion()
    assert champion is not None
    assert champion.version == "v3"

    os.kill(stuck["pid"], signal.SIGKILL)
    until(lambda: workers(client)["on_champion"] == 2)
    assert stuck["pid"] not in [worker["pid"] for worker in workers(client)["each"]]
    assert set(serving_generations(client).values()) == {3}
    assert metric(client, 'reach_bundle_info{as_of="2018-01-01",version="v2"}') == 0
    assert check(client, installation, "v3", 120)


def serving_generations(client: httpx.Client) -> dict[int, int]:
    """Return the version that each live worker serves, from the metrics."""
    found = re.findall(r'reach_champion_generation\{pid="(\d+)",state="serving"\} (\d+)', client.get("/metrics").text)
    return {int(pid): int(generation) for pid, generation in found}
