"""One grammar for `/recommend`, `/rerank` and `/similar_items`, over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.serving.running import Installation, ask, install, serve, wait_until_ready
from tests.support.serving.small_bundle import buyer_features

FIELDS = {
    "request_id",
    "model_version",
    "as_of",
    "fallback",
    "experiments",
    "missing_items",
    "unknown_product_ids",
    "unknown_categories",
    "items",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    installation: Installation = install(tmp_path_factory.mktemp("data"), "v1")
    installation.deploy("v1")
    installation.write_customers(buyer=buyer_features("p3", "p5"))
    with serve(installation) as client:
        wait_until_ready(client, installation)
        yield client


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["product_id"] for item in answer["items"]]


def test_rules_leave_out_and_the_answer_says_what_is_missing_and_what_it_does_not_know(client: httpx.Client) -> None:
    # Bakery is p0, p4, p8, Dairy p1, p5, p9, Fruit p2, p6, p10; the buyer's list begins p3, p5, p0, p1, p2, p4
    rules: dict[str, Any] = {
        "exclude": ["p0", "p77"],
        "include_categories": ["Bakery", "Dairy", "Wine"],
        "exclude_categories": ["Fish"],
        "max_per_category": 1,
    }
    answer = ask(client, "buyer", k=5, **rules).json()

    assert ids(answer) == ["p5", "p4"]
    assert [item["category"] for item in answer["items"]] == ["Dairy", "Bakery"]
    assert answer["missing_items"] == 3
    assert answer["unknown_product_ids"] == ["p77"]
    assert answer["unknown_categories"] == ["Wine", "Fish"]


def test_rules_hold_for_customers_nobody_knows(client: httpx.Client) -> None:
    answer = ask(client, "nobody", k=3, exclude=["p0"], exclude_categories=["Dairy"]).json()
    assert (answer["fallback"], ids(answer), answer["missing_items"]) == ("unknown_customer", ["p2", "p3", "p4"], 0)


def test_what_lies_in_the_basket_is_not_recommended(client: httpx.Client) -> None:
    answer = ask(client, "buyer", k=3, context={"basket": ["p3", "p88"]}).json()
    assert "p3" not in ids(answer)
    assert answer["unknown_product_ids"] == ["p88"]


def test_rerank_orders_the_given_products_for_the_customer(client: httpx.Client) -> None:
    body = {"customer_id": "buyer", "product_ids": ["p1", "gone", "p5", "p3", "p1"]}
    answer = client.post("/rerank", json=body).json()

    assert set(answer) == FIELDS
    # 10 x decayed_120d + buyers_4w: p3 10 x 2 + 9, p5 10 x 1 + 7, p1 11
    assert [(item["product_id"], item["score"]) for item in answer["items"]] == [
        ("p3", 29.0),
        ("p5", 17.0),
        ("p1", 11.0),
    ]
    assert (answer["unknown_product_ids"], answer["missing_items"]) == (["gone"], 1)


def test_rerank_takes_the_same_rules(client: httpx.Client) -> None:
    body = {"customer_id": "buyer", "product_ids": ["p1", "p5", "p3"], "k": 2, "exclude": ["p3"], "slate": "explore"}
    answer = client.post("/rerank", json=body).json()
    assert (ids(answer), answer["missing_items"]) == (["p1"], 1)  # p5 was bought before


def test_similar_items_come_in_the_same_shape_with_reasons(client: httpx.Client) -> None:
    answer = client.post("/similar_items", json={"product_id": "p1", "k": 3, "exclude": ["p2"]}).json()

    assert set(answer) == FIELDS
    assert len(answer["items"]) == 3
    assert not {"p1", "p2"} & set(ids(answer))
    assert all(item["reason"] and item["source"] in ("item_to_item", "two_tower") for item in answer["items"])


def test_similar_items_of_an_unknown_product_are_404_with_the_next_step(client: httpx.Client) -> None:
    answer = client.post("/similar_items", json={"product_id": "p99"})
    assert answer.status_code == 404
    assert answer.json()["error"] == (
        "Version v1 does not contain the product 'p99'. It contains products sold before 2018-01-01 or on a mailer "
        "planned then; newer ones come with the next version."
    )


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("/recommend", {"customer_id": "a", "diversity": 1.5}, "'diversity' is 1.5; allowed: a number from 0 to 1."),
    ("/recommend", {"customer_id": "a", "diversity": "high"}, "'diversity' is \"high\"; allowed"),
    ("/recommend", {"customer_id": "a", "max_per_category": 0}, "'max_per_category' is 0; allowed"),
    ("/recommend", {"customer_id": "a", "exclude": ["x"] * 201}, "allowed: at most 200 product ids"),
    ("/recommend", {"customer_id": "a", "exclude": ["p1", ""]}, "'exclude[1]' is \"\"; allowed"),
    ("/recommend", {"customer_id": "a", "exclude": "p1"}, "'exclude' is \"p1\"; allowed"),
    ("/recommend", {"customer_id": "a", "include_categories": [3]}, "'include_categories[0]' is 3; allowed"),
    ("/recommend", {"customer_id": "a", "context": {"weather": "wet"}}, "the fields are time, basket."),
    ("/recommend", {"customer_id": "a", "context": {"store_id": "367"}}, "'context.store_id' is not a field"),
    ("/recommend", {"customer_id": "a", "context": {"time": "noon"}}, "'context.time' is \"noon\"; allowed"),
    ("/recommend", {"customer_id": "a", "context": {"time": "2018-01-01T10:00:00"}}, "a time with its offset"),
    ("/rerank", {"customer_id": "a"}, "'product_ids' is missing: 1 to 100 product ids"),
    ("/rerank", {"customer_id": "a", "product_ids": []}, "'product_ids' is []; allowed: 1 to 100"),
    ("/similar_items", {"product_id": "p1", "slate": "all"}, "'slate' is not a field of this request"),
]


@pytest.mark.parametrize(("path", "body", "words"), BAD, ids=[f"{path} {words[:30]}" for path, _, words in BAD])
def test_wrong_rules_are_400_and_say_what_is_allowed(client: httpx.Client, path: str, body: Any, words: str) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_the_api_description_names_and_explains_every_field(client: httpx.Client) -> None:
    document = client.get("/docs.json").json()
    assert {"/recommend", "/rerank", "/similar_items"} <= set(document["paths"])
    described = list(document["components"]["schemas"].items())
    assert {"RecommendRequest", "RerankRequest", "SimilarItemsRequest", "Context"} <= {name for name, _ in described}
    for name, schema in described:
        if name.startswith(("Recommend", "Rerank", "Similar", "Context")):
            for field, said in schema["properties"].items():
                assert said.get("description"), (name, field)
