"""The page of one customer: search, profile with evidence, purchases, lists, messages and consents."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from outbox.customers.records import suppress
from outbox.planning import enqueue
from outbox.store import open_store, store_url
from settings import Settings
from tests.support.console.answers import ANSWERS
from tests.support.console.client import log_in, open_console
from tests.support.outbox.plans import a_plan, held_out, planned, reachable


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with open_console(settings, ANSWERS) as client:
        yield log_in(client, "viewer")


def part(client: TestClient, name: str) -> str:
    return client.post("/customers", data={"customer_id": "7", "part": name}).text


def test_the_search_offers_examples_and_shows_no_id_in_an_address(client: TestClient) -> None:
    assert 'hx-post="/customers"' in client.get("/customers").text
    assert 'value="12"' in client.get("/customers/suggestions").text
    answer = client.post("/customers", data={"customer_id": " 7 "})
    assert "Customer 7" in answer.text
    assert 'href="http://127.0.0.1:3000/ui/"' in answer.text
    assert "Enter a customer" in client.post("/customers", data={"customer_id": " "}).text


def test_the_profile_has_confidence_and_evidence_and_escapes_values(client: TestClient) -> None:
    text = part(client, "profile")
    assert "&lt;367&gt;" in text
    assert "90%" in text
    assert "12 rows, 2017-10-03 to 2018-01-01" in text
    assert "split-half reliability 0.930" in text
    assert "sensitive" in text
    assert "since 2017-11-06" in text
    assert "120.50" in text
    assert "MILK" in text


def test_purchases_and_both_lists_are_shown(client: TestClient) -> None:
    assert "Pale Ale" in part(client, "history")
    lists = part(client, "lists")
    assert "Milk of all" in lists
    assert "Milk of explore" in lists


def test_without_an_outbox_the_next_step_is_named(client: TestClient, settings: Settings) -> None:
    assert "no outbox yet" in part(client, "messages")
    assert not settings.paths.outbox.exists()


def test_messages_held_out_decisions_consents_and_suppressions(client: TestClient, settings: Settings) -> None:
    store = open_store(store_url(settings))
    reachable(store, "7", "8")
    other = {"campaign_id": "c2", "plan_id": "p2"}
    enqueue(store, a_plan([planned("7"), planned("8")]))
    enqueue(store, a_plan([held_out("7", trigger="t2", occurrence="campaign:c2")], **other))
    suppress(store, "7", "*", "complained")
    store.close()

    text = part(client, "messages")
    assert text.count("<td>c1 ") == 1, "another customer's message is not shown"
    assert "planned" in text
    assert "held out" in text
    assert "marketing" in text
    assert ">yes<" in text
    assert "every channel: complained" in text
    assert "@shop.example" not in text


def test_looking_at_lists_is_no_decision_about_the_customer(settings: Settings) -> None:
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> dict[str, Any]:
        asked.append(json.loads(request.content))
        return {"fallback": None, "items": []}

    with open_console(settings, {**ANSWERS, "/recommend": answer}) as client:
        log_in(client, "viewer")
        part(client, "lists")
    assert [body["preview"] for body in asked] == [True, True]


def test_an_unknown_customer_is_a_sentence_and_a_service_that_is_down_too(settings: Settings) -> None:
    unknown = {"error": "The published scores do not contain the customer '7'."}
    with open_console(
        settings, {**ANSWERS, "/profile": (404, unknown), "/recommend": (503, {"error": "No version."})}
    ) as client:
        log_in(client, "viewer")
        answer = client.post("/customers", data={"customer_id": "7", "part": "profile"})
        assert answer.status_code == 200
        assert "do not contain the customer" in answer.text
        assert "problem" not in answer.text
        assert "No version." in part(client, "lists")
        assert "Pale Ale" in part(client, "history")
