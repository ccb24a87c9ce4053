"""On the real service the next list changes after a view, a cart and a low rating, and wrong events are explained."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from tests.support.serving.running import Installation, ask, install, serve, wait_until_ready

NUMBERS = count()


def event(
    customer_id: str, event_type: str, product_id: str | None = None, ago: float = 1.0, **fields: Any
) -> dict[str, Any]:
    """An event of this many minutes ago."""
    occurred_at = (datetime.now(UTC) - timedelta(minutes=ago)).isoformat()
    given = {"event_id": f"recent-{next(NUMBERS)}", "customer_id": customer_id, "event_type": event_type}
    return given | {"product_id": product_id, "occurred_at": occurred_at} | fields


def send(client: httpx.Client, *events: dict[str, Any]) -> httpx.Response:
    return client.post("/events", json={"events": events})


def listed(client: httpx.Client, customer_id: str, **more: Any) -> dict[str, dict[str, Any]]:
    items = ask(client, customer_id, **({"slate": "explore", "k": 4} | more)).json()["items"]
    return {item["product_id"]: item for item in items}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installed = install(tmp_path_factory.mktemp("recent") / "data", "v1")
    installed.deploy("v1")
    return installed


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with serve(installation) as client:
        wait_until_ready(client, installation)
        yield client


def test_the_list_changes_after_a_view_a_cart_a_low_rating_and_an_emptied_cart(client: httpx.Client) -> None:
    before = listed(client, "buyer")
    assert list(before) == ["p0", "p1", "p2", "p4"]
    send(client, event("buyer", "view", "p10"))
    viewed = listed(client, "buyer")
    assert (viewed["p10"]["source"], viewed["p10"]["reason"]) == ("seen_lately", "You viewed this today")

    send(client, event("buyer", "cart", "p0"))
    carted = listed(client, "buyer", k=10)
    assert "p0" not in carted
    assert "p0" not in listed(client, "buyer", slate="all", k=10)

    send(client, event("buyer", "rating", "p1", rating=1, rating_min=1, rating_max=5))
    assert not {"p0", "p1"} & set(listed(client, "buyer", k=10))

    send(client, event("buyer", "remove_from_cart", "p0", ago=0.5))
    assert "p0" in listed(client, "buyer")
    assert "p1" not in listed(client, "buyer", k=10)


def test_a_visitor_without_features_gets_a_list_of_what_was_viewed(client: httpx.Client) -> None:
    assert "p10" not in listed(client, "visitor")
    send(client, event("visitor", "view", "p10"))
    assert listed(client, "visitor")["p10"]["reason"] == "You viewed this today"


def test_events_that_come_late_out_of_order_or_twice_give_the_same_list(client: httpx.Client) -> None:
    put_in, taken_out = event("late", "cart", "p0", ago=9), event("late", "remove_from_cart", "p0", ago=5)
    before = listed(client, "late")
    assert send(client, taken_out).json() == {"accepted": 1, "duplicates": 0}  # a removal without a cart
    assert listed(client, "late") == before
    assert send(client, put_in, put_in).json() == {"accepted": 1, "duplicates": 1}
    assert listed(client, "late") == before
    send(client, event("late", "view", "p10", ago=60 * 24 * 30))  # of a month ago
    assert listed(client, "late") == before


def test_a_bought_product_no_longer_lies_in_the_cart(client: httpx.Client) -> None:
    send(client, event("payer", "cart", "p0", ago=5))
    assert "p0" not in listed(client, "payer", slate="all", k=10)
    send(client, event("payer", "purchase", "p0"))
    assert "p0" in listed(client, "payer", slate="all", k=10)


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"event_type": "view", "product_id": None}, ["product_id"]),
        ({"event_type": "rating", "rating": 3}, ["rating_min", "rating_max"]),
        ({"event_type": "rating", "rating_min": 1, "rating_max": 5}, ["rating"]),
        ({"event_type": "rating", "rating": 6, "rating_min": 1, "rating_max": 5}, ["rating"]),
        ({"event_type": "rating", "rating": 1, "rating_min": 1, "rating_max": 1}, ["rating_max"]),
        ({"event_type": "rating", "rating": 1e9, "rating_min": 0, "rating_max": 5}, ["rating"]),
        ({"event_type": "view", "rating": 3}, ["rating"]),
        ({"event_type": "search"}, ["query"]),
        ({"event_type": "search", "query": "  "}, ["query"]),
        ({"event_type": "search", "query": "q" * 201}, ["query"]),
        ({"event_type": "search", "query": "oat\x00milk"}, ["query"]),
        ({"event_type": "click", "query": "oat milk"}, ["query"]),
    ],
)
def test_a_field_that_does_not_fit_the_type_is_explained(
    client: httpx.Client, wrong: dict[str, Any], fields: list[str]
) -> None:
    response = send(client, event("wrong", "view", "p1") | wrong)
    assert response.status_code == 400
    assert list(response.json()["fields"]) == [f"events[0].{field}" for field in fields]


def test_the_future_is_refused_for_every_type(client: httpx.Client) -> None:
    assert send(client, event("wrong", "view", "p1", ago=-10)).status_code == 409


def test_no_query_is_in_the_log(client: httpx.Client, installation: Installation) -> None:
    query = "the illness of my neighbour"
    assert send(client, event("private", "search", query=query)).json()["accepted"] == 1
    assert send(client, event("private", "search", "p10", query=query)).json()["accepted"] == 1
    assert send(client, event("private", "search", query=query * 20)).status_code == 400
    assert listed(client, "private")["p10"]["reason"] == "You searched for this today"
    assert "neighbour" not in installation.log.read_text()
