"""Use the page at /ui in a real browser, on a real service: the visible content, by keyboard."""

import json
import re
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.serving.browser import Observed
from tests.support.serving.page import LIST_IS_READY, names, pick, press, shown, wait_until
from tests.support.serving.running import Installation, ask, wait_for_version
from tests.support.serving.stubbed_service import FAILING

pytestmark = pytest.mark.chromium

FOCUSED = "document.activeElement.closest('li')?.dataset.product"


def test_both_lists_are_those_the_service_answers_with_names_reasons_sources_and_scores(
    page: Page, client: httpx.Client
) -> None:
    pick(page, "buyer")

    for slate in ("all", "explore"):
        items = ask(client, "buyer", slate=slate).json()["items"]
        assert names(page, slate) == [shown(item) for item in items]
        rows = page.evaluate(f"[...document.querySelectorAll('#{slate} li')].map(row => row.innerText)")
        for row, item in zip(rows, items, strict=True):
            assert item["reason"] in row
            assert item["source"].replace("_", " ") in row
            assert f"{item['score']:.2f}" in row


def test_the_lists_are_previews_which_the_decision_log_does_not_get(page: Page) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.post_data_json) if "recommend" in request.url else None)
    pick(page, "buyer")
    assert [body["preview"] for body in asked] == [True, True]


def test_the_history_is_what_the_service_says_with_counts_and_recency(page: Page) -> None:
    pick(page, "buyer")

    assert names(page, "history") == ["Product 3", "Product 5"]
    assert page.inner_text("#history li") == "Product 3\n2 times · every 2 d · 2 d ago"
    assert "2 products in 1 basket, the last" in page.inner_text("#history-about")


def test_the_profile_shows_each_tag_with_confidence_and_evidence_predictions_and_segments(
    page: Page, client: httpx.Client
) -> None:
    pick(page, "buyer")
    expect(page.locator("#profile-about")).to_contain_text("as of 2018-01-01", use_inner_text=True)

    profile = client.post("/profile", json={"customer_id": "buyer"}).json()
    rows = page.evaluate("[...document.querySelectorAll('#profile tbody tr')].map(row => row.innerText)")
    assert len(rows) == len(profile["tags"]) == 2
    for row, tag in zip(rows, profile["tags"], strict=True):
        assert tag["tag"].replace("_", " ") in row
        assert f"{100 * tag['confidence']:.0f} %" in row
        assert f"{tag['evidence_rows']} rows {tag['evidence_from']} to {tag['evidence_until']}" in row
        assert tag["learned_on"] in row
    assert "sensitive" in rows[0]
    facts = page.inner_text("#profile .facts")
    assert f"{100 * profile['predictions']['lapse_8w']:.0f} %" in facts
    for segment in profile["segments"]:
        assert segment["label"] in facts


def test_a_customer_without_a_profile_is_named(page: Page) -> None:
    pick(page, "newcomer")
    expect(page.locator("#profile .body")).to_contain_text("do not contain the customer", use_inner_text=True)


def test_the_serving_version_and_its_gate_decision_are_shown_and_follow_a_deployment(
    page: Page, client: httpx.Client, installation: Installation
) -> None:
    expect(page.locator("#version-name")).to_have_text("v1", use_inner_text=True)
    assert page.inner_text("#version-gate") == "gate: better than popularity"
    press(page, "Escape", "v")
    assert "Better than popularity on all NDCG@10." in page.inner_text("#version-facts")
    assert "0.4321" in page.inner_text("#version-facts")

    installation.deploy("v2")
    wait_for_version(client, "v2", installation)
    pick(page, "buyer")
    expect(page.locator("#version-name")).to_have_text("v2", use_inner_text=True)
    installation.registry.deploy("v1", None, "back", "test")
    wait_for_version(client, "v1", installation)


def test_customers_to_begin_with_can_be_pressed(page: Page) -> None:
    assert page.evaluate("[...document.querySelectorAll('#chips button')].map(chip => chip.innerText)")[:2] == [
        "buyer",
        "newcomer",
    ]
    page.click("#chips button")
    wait_until(page, LIST_IS_READY.format("all"))
    assert names(page, "history") == ["Product 3", "Product 5"]


def test_arrows_walk_the_lists_and_stay_within_them(page: Page) -> None:
    pick(page, "buyer")
    first = page.evaluate(FOCUSED)
    press(page, "ArrowUp")
    assert page.evaluate(FOCUSED) == first
    press(page, "ArrowDown", "ArrowDown", "ArrowRight")
    assert page.evaluate("document.activeElement.closest('section').id") == "explore"
    third = page.evaluate("document.querySelectorAll('#explore li')[2].dataset.product")
    assert page.evaluate(FOCUSED) == third
    press(page, *["ArrowDown"] * 20, "ArrowLeft", "/")
    assert page.evaluate("document.activeElement.id") == "customer"


def test_bought_changes_history_and_lists_and_says_what_moved(page: Page, client: httpx.Client) -> None:
    pick(page, "shopper")
    before = {slate: names(page, slate) for slate in ("all", "explore")}
    press(page, "ArrowRight", "ArrowDown", "ArrowDown")
    bought = page.evaluate(FOCUSED)
    press(page, "b")
    expect(page.locator("#status")).to_have_text(re.compile("^Bought "), use_inner_text=True)

    now = {slate: names(page, slate) for slate in ("all", "explore")}
    for slate in now:
        assert now[slate] == [shown(item) for item in ask(client, "shopper", slate=slate).json()["items"]]
    name = before["explore"][2]
    assert name not in now["explore"]
    assert page.inner_text("#explore .left") == f"Left the list: {name}"
    assert now["all"].index(name) < before["all"].index(name)  # it is an own product by now
    assert page.inner_text(f"#all [data-product={bought}] .move .unseen").startswith("up ")
    assert page.inner_text(f"#history .moved[data-product={bought}]") == f"{name}\nonce · today"
    assert "3 products in 2 baskets, the last today" in page.inner_text("#history-about")
    assert page.evaluate("document.activeElement.closest('section').id") == "explore", "the keyboard stays where it was"


def test_one_press_is_one_purchase_however_long_the_key_is_held(page: Page, observed: Observed) -> None:
    pick(page, "stranger-who-buys")
    product = page.evaluate(FOCUSED)
    page.keyboard.down("b")
    expect(page.locator("#status")).to_have_text(re.compile("^Bought "), use_inner_text=True)
    for _ in range(5):  # the keyboard repeats a key that is not let go
        page.keyboard.down("b")
    page.keyboard.up("b")
    press(page, "Escape", "/")
    expect(page.locator("#customer")).to_be_focused()

    assert [urlsplit(address).path for address in observed.requests].count("/events") == 1
    assert page.inner_text(f"#history [data-product={product}]").endswith("once · today")
    assert page.evaluate("document.querySelector('#notice').hidden"), "the customer is known by now"


def test_a_busy_service_is_waited_for_and_then_named(page: Page) -> None:
    busy = """
        window.fetch = ((real, left) => (...all) => left-- > 0
            ? Promise.resolve(new Response('{"error": "Too many."}', {status: 429, headers: {"Retry-After": "1"}}))
            : real(...all))(window.fetch, %d)
    """
    page.evaluate(f"void ({busy % 3})")
    press(page, "Escape", "/", *"buyer", "Enter")
    wait_until(page, "document.querySelector('#status').innerText === 'Too many. Trying again in 1 s …'")
    wait_until(page, LIST_IS_READY.format("all"))
    page.evaluate(f"void ({busy % 1000})")
    press(page, "/", *"buyer", "Enter")
    expect(page.locator("#all .error")).to_have_text("Too many.", use_inner_text=True)


def test_lists_that_come_late_do_not_take_the_keyboard_from_who_types_the_next_customer(page: Page) -> None:
    slow = """
        window.fetch = ((real) => (...all) => new Promise((done) => setTimeout(done, 500)).then(() => real(...all)))
            (window.fetch)
    """
    page.evaluate(f"void ({slow})")
    press(page, "Escape", "/", *"buyer", "Enter", "/", *"next")
    wait_until(page, LIST_IS_READY.format("all"))
    expect(page.locator("#status")).to_have_text(re.compile("^Customer buyer:"), use_inner_text=True)
    assert page.evaluate("[document.activeElement.id, document.activeElement.value]") == ["customer", "next"]


def test_why_a_list_is_not_the_models_is_said_in_words(page: Page, client: httpx.Client) -> None:
    for customer_id, words in {
        "stranger": "“stranger” is unknown",
        "newcomer": "has bought nothing yet",
        FAILING: "The online store does not answer",
    }.items():
        pick(page, customer_id)
        expect(page.locator("#notice")).to_contain_text(words, use_inner_text=True)
        assert names(page, "all")[0] == "Product 0"
    expect(page.locator("#history-about")).to_contain_text("The online store does not answer", use_inner_text=True)
    deadline = time.monotonic() + 60
    while ask(client, "buyer").json()["fallback"] is not None:  # the store is given a rest
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_read_that_the_store_answered_is_believed_before_one_that_timed_out(page: Page) -> None:
    timed_out = {"missing": "features_unavailable"}
    page.route("**/history", lambda route: route.fulfill(json=route.fetch().json() | timed_out))
    pick(page, "stranger")
    expect(page.locator("#notice")).to_contain_text("“stranger” is unknown", use_inner_text=True)
    assert page.inner_text("#history-about") == "Nothing is stored under this id."


def test_a_purchase_while_the_store_is_silent_is_said_to_be_stored(page: Page) -> None:
    first: dict[str, Any] = {}

    def answer(route: Route) -> None:
        slate = json.loads(route.request.post_data or "")["slate"]
        route.fulfill(json=first.setdefault(slate, route.fetch().json() | {"fallback": "cached_features"}))

    page.route("**/recommend", answer)
    pick(page, "shopper")
    press(page, "ArrowDown", "b")
    expect(page.locator("#status")).to_contain_text("stored, but not shown yet", use_inner_text=True)


def test_an_address_can_be_kept(page: Page, client: httpx.Client) -> None:
    page.goto("about:blank")
    page.goto(f"{client.base_url}/ui/#customer=buyer&k=5")
    wait_until(page, LIST_IS_READY.format("all"))

    assert len(names(page, "all")) == 5
    assert page.evaluate("document.querySelector('#customer').value") == "buyer"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window_and_text_stands_out(page: Page, width: int) -> None:
    pick(page, "buyer")

    assert page.evaluate("document.documentElement.scrollWidth") == width
    contrast = """
        (() => {
            const light = (color) => {
                const parts = color.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
                    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
                return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
            };
            const ground = light(getComputedStyle(document.querySelector('#all')).backgroundColor);
            return ['.name', '.why', '.score', '.about'].map((part) => {
                const text = light(getComputedStyle(document.querySelector('#all ' + part)).color);
                return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
            });
        })()
    """
    assert min(page.evaluate(contrast)) >= 4.5  # WCAG 2.2, level AA


def test_everything_one_can_operate_has_a_name(page: Page) -> None:
    pick(page, "buyer")
    unnamed = """
        [...document.querySelectorAll('button, input, select')].filter((one) =>
            !(one.innerText || one.textContent || one.ariaLabel || one.labels?.length)).map((one) => one.outerHTML)
    """
    assert page.evaluate(unnamed) == []
    assert page.evaluate("document.activeElement.textContent") == f"Bought {names(page, 'all')[0]}"
    assert page.evaluate("document.querySelector('#status').getAttribute('aria-live')") == "polite"
