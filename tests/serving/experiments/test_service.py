"""A running service follows announced experiments, refuses a broken one, and loses no exposure when it is killed."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from events.factory import open_event_log
from online_experiments.announcement import announce, stop
from serving.middleware.api_keys import entry_for, make_key
from settings import Settings
from tests.support.online_experiments.announced import experiment, variants
from tests.support.serving.running import Installation, ask, install, serve, wait_until_ready

pytestmark = pytest.mark.integration

FOUR = variants(
    rule={"serve": "baseline"}, model={}, new={"serve": "version", "version": "v2"}, none={"serve": "nothing"}
)


def wait_for(client: httpx.Client, variant: str | None, **more: object) -> None:
    """Wait until the customer `buyer` has a variant, or none."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = client.post("/recommend", json={"customer_id": "buyer", **more}).json()
        served = found.get("experiments")  # an experiment that is not followed yet is an error
        if served is not None and [one["variant"] for one in served] == ([variant] if variant else []):
            return
        time.sleep(0.1)
    raise AssertionError(found)


def workers_of(client: httpx.Client) -> list[int]:
    return [worker["pid"] for worker in client.get("/readyz").json()["workers"]["each"]]


def logged(installation: Installation) -> dict[str, str]:
    """Return the variant of each logged answer."""
    log = open_event_log(Settings(data=installation.data), 5.0)
    return {row["request_id"]: row["variant"] for row in log.read_from(None, 100_000).exposures}


def test_every_answer_of_an_experiment_is_logged_when_the_service_is_killed(tmp_path: Path) -> None:
    installation = install(tmp_path / "data", "v1", "v2")
    installation.deploy("v1")
    settings = Settings(data=installation.data)
    announce(settings, experiment(variants=FOUR), "a test")
    answered: dict[str, str] = {}
    previews: set[str] = set()
    with serve(installation) as client:
        wait_until_ready(client, installation)
        assert client.get("/readyz").json()["experiment_version"] == "v2"
        for number in range(60):
            # Staff look at the list first; this does not count as an exposure.
            previews.add(ask(client, f"c{number}", preview=True).json()["request_id"])
            answer = ask(client, f"c{number}").json()
            [served] = answer["experiments"]
            assert answer["model_version"] == ("v2" if served["variant"] == "new" else "v1")
            assert (answer["items"] == []) == (served["variant"] == "none") == (answer["fallback"] == "holdout")
            answered[answer["request_id"]] = served["variant"]
        for pid in workers_of(client):
            os.kill(pid, signal.SIGKILL)
    assert set(answered.values()) == {"rule", "model", "new", "none"}
    assert answered.items() <= logged(installation).items()
    assert not previews & set(logged(installation))


def test_a_broken_file_changes_nothing_and_a_stop_ends_the_experiment(tmp_path: Path) -> None:
    installation = install(tmp_path / "data", "v1")
    installation.deploy("v1")
    settings = Settings(data=installation.data)
    with serve(installation) as client:
        wait_until_ready(client, installation)
        wait_for(client, None)
        announcement = announce(settings, experiment(variants=variants(rule={"serve": "baseline"}, model={})), "a test")
        wait_for(client, "rule", variants={"rule-or-model": "rule"})
        file = settings.paths.announced_experiments / "rule-or-model.json"
        file.write_text(announcement.model_dump_json().replace('"spend"', '"money"'))
        deadline = time.monotonic() + 30
        while "It goes on as announced before" not in installation.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert len(ask(client, "buyer").json()["experiments"]) == 1
        file.write_text(announcement.model_dump_json())
        stop(settings, "rule-or-model", "the test ends", "a test")
        wait_for(client, None)


def test_a_choice_of_variants_needs_the_scope_of_testers(tmp_path: Path) -> None:
    installation = install(tmp_path / "data", "v1")
    installation.deploy("v1")
    announce(Settings(data=installation.data), experiment(), "a test")
    shop, tester = make_key(), make_key()
    entries = " ".join([entry_for(shop, "shop", ["recommend"]), entry_for(tester, "tester", ["recommend", "testing"])])
    with serve(installation, settings={"REACH_API_KEYS": entries}) as client:
        wait_until_ready(client, installation)
        body = {"customer_id": "buyer", "variants": {"rule-or-model": "rule"}}
        answers = {
            name: client.post("/recommend", json=body, headers={"Authorization": f"Bearer {key}"})
            for name, key in (("shop", shop), ("tester", tester))
        }
    assert answers["shop"].status_code == 403
    assert "needs the scope 'testing'" in answers["shop"].json()["error"]
    assert answers["tester"].json()["experiments"][0]["is_override"] is True
