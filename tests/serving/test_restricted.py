"""The running service leaves restricted products out of each kind of list, and verification expects the same."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.restricted import hidden_patterns
from registry.service_client import ServiceClient
from registry.verify import verify_service
from tests.support.serving.running import Installation, ask, install, serve, wait_until_ready

BAKERY = {"p0", "p4", "p8"}


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("policy") / "policy.toml"
    file.write_text('[restricted]\ncategories = ["BAKERY"]\n')
    return file


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    found = install(tmp_path_factory.mktemp("data"), "v1")
    found.deploy("v1")
    return found


@pytest.fixture(scope="module")
def client(installation: Installation, policy: Path) -> Iterator[httpx.Client]:
    with serve(installation, settings={"REACH_CONTACT_POLICY": str(policy)}) as found:
        wait_until_ready(found, installation)
        yield found


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["product_id"] for item in answer.json()["items"]]


@pytest.mark.parametrize("customer_id", ["buyer", "nobody"])
@pytest.mark.parametrize("slate", ["all", "explore"])
def test_a_list_is_filled_with_other_products(client: httpx.Client, customer_id: str, slate: str) -> None:
    answer = ask(client, customer_id, slate=slate, k=5)
    assert len(ids(answer)) == 5
    assert not BAKERY & set(ids(answer))
    assert answer.json()["missing_items"] == 0


def test_given_and_similar_products_are_left_out_and_counted(client: httpx.Client) -> None:
    given = client.post("/rerank", json={"customer_id": "buyer", "product_ids": ["p0", "p1", "p3"]})
    assert ids(given) == ["p3", "p1"]
    assert (given.json()["missing_items"], given.json()["unknown_product_ids"]) == (1, [])
    similar = client.post("/similar_items", json={"product_id": "p0", "k": 12})
    assert not BAKERY & set(ids(similar))
    assert similar.json()["missing_items"] == 3


def test_verification_compares_with_the_same_products(
    installation: Installation, client: httpx.Client, policy: Path
) -> None:
    restricted = hidden_patterns(True, policy, ValueError)
    service = ServiceClient(client.base_url.port or 0)
    lines: list[str] = []
    assert verify_service(
        installation.registry, installation.store, service, "v1", 30, "test", lines.append, restricted
    )
    assert lines[-1] == "Its answers are the bundle's."


def test_a_shop_that_switches_it_off_sees_all_products(installation: Installation, policy: Path) -> None:
    settings = {"REACH_CONTACT_POLICY": str(policy), "REACH_EXCLUDE_RESTRICTED": "False"}
    with serve(installation, settings=settings) as found:
        wait_until_ready(found, installation)
        assert ids(ask(found, "nobody", k=1)) == ["p0"]
