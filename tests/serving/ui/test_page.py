"""The page at /ui in a real browser, on a real service: what a person sees, by keyboard, with no other network."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import httpx
import pytest

from scoring.fallback import Fallback, MissingHistory
from serving.errors import ErrorResponse
from serving.middleware.api_keys import entry_for, make_key
from serving.ui.endpoints import STATIC_DIR, UI_FILES
from tests.support.serving.browser import Browser, Tab, chromium
from tests.support.serving.running import Installation, ask, install, serve, wait_for_version, wait_until_ready
from tests.support.serving.small_bundle import buyer_features
from tests.support.serving.stubbed_service import FAILING

pytestmark = pytest.mark.chromium

NAMES = "[...document.querySelectorAll('#{} .name')].map(name => name.innerText)"
SHOWN = "document.querySelectorAll('#{} li').length > 0 && !document.querySelector('[aria-busy]')"
RECOMMEND = 'details[id="POST/recommend"]'
FOCUSED = "document.activeElement.closest('li')?.dataset.product"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = install(tmp_path_factory.mktemp("data"), "v1", "v2")
    installation.deploy("v1")
    installation.write_customers(
        buyer=buyer_features("p3", "p5"),
        newcomer={"customer_profile__products": 0.0},
        shopper=buyer_features("p3", "p5"),  # who buys, so that the others' lists stay as they are
        **{FAILING: {}},
    )
    return installation


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with serve(installation) as client:
        wait_until_ready(client, installation)
        yield client


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, client: httpx.Client) -> Iterator[Tab]:
    """The page, opened. Afterwards: no error, nothing against its policy, nothing from elsewhere."""
    with browser.tab() as tab:
        tab.show_as(1280, 900)
        tab.open(f"{client.base_url}/ui/")
        tab.wait("document.querySelectorAll('#chips button').length > 0")
        yield tab
        assert tab.told == []
        assert {urlsplit(address).netloc for address in tab.asked} == {client.base_url.netloc.decode()}


def names(tab: Tab, section: str) -> list[str]:
    found: list[str] = tab.ask(NAMES.format(section))
    return found


def shown(item: dict[str, Any]) -> str:
    """What the page calls a product."""
    return item["name"] or f"Product {item['product_id']}"


def pick(tab: Tab, customer_id: str) -> None:
    """By keyboard: Escape, in case it is in the field already; `/`, the id, Enter."""
    tab.press("Escape", "/", *customer_id, "Enter")
    tab.wait(f"location.hash.includes('customer={customer_id}&')")
    tab.wait(SHOWN.format("all"))


def test_both_lists_are_those_the_service_answers_with_names_reasons_sources_and_scores(
    tab: Tab, client: httpx.Client
) -> None:
    pick(tab, "buyer")

    for slate in ("all", "explore"):
        items = ask(client, "buyer", slate=slate).json()["items"]
        assert names(tab, slate) == [shown(item) for item in items]
        rows = tab.ask(f"[...document.querySelectorAll('#{slate} li')].map(row => row.innerText)")
        for row, item in zip(rows, items, strict=True):
            assert item["reason"] in row
            assert item["source"].replace("_", " ") in row
            assert f"{item['score']:.2f}" in row


def test_the_history_is_what_the_service_says_with_counts_and_recency(tab: Tab) -> None:
    pick(tab, "buyer")

    assert names(tab, "history") == ["Product 3", "Product 5"]
    assert tab.text("#history li") == "Product 3\n2 times · every 2 d · 2 d ago"
    assert "2 products in 1 basket, the last" in tab.text("#history-about")


def test_the_serving_version_and_its_gate_decision_are_shown_and_follow_a_deployment(
    tab: Tab, client: httpx.Client, installation: Installation
) -> None:
    tab.wait("document.querySelector('#version-name').innerText === 'v1'")
    assert tab.text("#version-gate") == "gate: better than popularity"
    tab.press("Escape", "v")
    assert "Better than popularity on all NDCG@10." in tab.text("#version-facts")
    assert "0.4321" in tab.text("#version-facts")

    installation.deploy("v2")
    wait_for_version(client, "v2", installation)
    pick(tab, "buyer")
    tab.wait("document.querySelector('#version-name').innerText === 'v2'")
    installation.registry.deploy("v1", None, "back", "test")
    wait_for_version(client, "v1", installation)


def test_customers_to_begin_with_can_be_pressed(tab: Tab) -> None:
    assert tab.ask("[...document.querySelectorAll('#chips button')].map(chip => chip.innerText)")[:2] == [
        "buyer",
        "newcomer",
    ]
    tab.ask("document.querySelector('#chips button').click()")
    tab.wait(SHOWN.format("all"))
    assert names(tab, "history") == ["Product 3", "Product 5"]


def test_arrows_walk_the_lists_and_stay_within_them(tab: Tab) -> None:
    pick(tab, "buyer")
    first = tab.ask(FOCUSED)
    tab.press("ArrowUp")
    assert tab.ask(FOCUSED) == first
    tab.press("ArrowDown", "ArrowDown", "ArrowRight")
    assert tab.ask("document.activeElement.closest('section').id") == "explore"
    third = tab.ask("document.querySelectorAll('#explore li')[2].dataset.product")
    assert tab.ask(FOCUSED) == third
    tab.press(*["ArrowDown"] * 20, "ArrowLeft", "/")
    assert tab.ask("document.activeElement.id") == "customer"


def test_bought_changes_history_and_lists_and_says_what_moved(tab: Tab, client: httpx.Client) -> None:
    pick(tab, "shopper")
    before = {slate: names(tab, slate) for slate in ("all", "explore")}
    tab.press("ArrowRight", "ArrowDown", "ArrowDown")
    bought = tab.ask(FOCUSED)
    tab.press("b")
    tab.wait("document.querySelector('#status').innerText.startsWith('Bought ')")

    now = {slate: names(tab, slate) for slate in ("all", "explore")}
    for slate in now:
        assert now[slate] == [shown(item) for item in ask(client, "shopper", slate=slate).json()["items"]]
    name = before["explore"][2]
    assert name not in now["explore"]
    assert tab.text("#explore .left") == f"Left the list: {name}"
    assert now["all"].index(name) < before["all"].index(name)  # it is an own product by now
    assert tab.text(f"#all [data-product={bought}] .move .unseen").startswith("up ")
    assert tab.text(f"#history .moved[data-product={bought}]") == f"{name}\nonce · today"
    assert "3 products in 2 baskets, the last today" in tab.text("#history-about")
    assert tab.ask("document.activeElement.closest('section').id") == "explore", "the keyboard stays where it was"


def test_one_press_is_one_purchase_however_long_the_key_is_held(tab: Tab) -> None:
    pick(tab, "stranger-who-buys")
    product = tab.ask(FOCUSED)
    tab.press("b")
    tab.wait("document.querySelector('#status').innerText.startsWith('Bought ')")
    tab.hold("b", repeats=5)
    tab.press("Escape", "/")
    tab.wait("document.activeElement.id === 'customer'")

    assert [urlsplit(address).path for address in tab.asked].count("/events") == 1
    assert tab.text(f"#history [data-product={product}]").endswith("once · today")
    assert tab.ask("document.querySelector('#notice').hidden"), "the customer is known by now"


def test_a_busy_service_is_waited_for_and_then_named(tab: Tab) -> None:
    busy = """
        window.fetch = ((real, left) => (...all) => left-- > 0
            ? Promise.resolve(new Response('{"error": "Too many."}', {status: 429, headers: {"Retry-After": "1"}}))
            : real(...all))(window.fetch, %d)
    """
    tab.ask(f"void ({busy % 3})")
    tab.press("Escape", "/", *"buyer", "Enter")
    tab.wait("document.querySelector('#status').innerText === 'Too many. Trying again in 1 s …'")
    tab.wait(SHOWN.format("all"))
    tab.ask(f"void ({busy % 1000})")
    tab.press("/", *"buyer", "Enter")
    tab.wait("document.querySelector('#all .error')?.innerText === 'Too many.'")


def test_lists_that_come_late_do_not_take_the_keyboard_from_who_types_the_next_customer(tab: Tab) -> None:
    slow = """
        window.fetch = ((real) => (...all) => new Promise((done) => setTimeout(done, 500)).then(() => real(...all)))
            (window.fetch)
    """
    tab.ask(f"void ({slow})")
    tab.press("Escape", "/", *"buyer", "Enter", "/", *"next")
    tab.wait(SHOWN.format("all"))
    tab.wait("document.querySelector('#status').innerText.startsWith('Customer buyer:')")
    assert tab.ask("[document.activeElement.id, document.activeElement.value]") == ["customer", "next"]


def test_why_a_list_is_not_the_models_is_said_in_words(tab: Tab, client: httpx.Client) -> None:
    for customer_id, words in {
        "stranger": "“stranger” is not known here",
        "newcomer": "has bought nothing yet",
        FAILING: "The online store does not answer",
    }.items():
        pick(tab, customer_id)
        tab.wait(f"document.querySelector('#notice').innerText.includes({json.dumps(words)})")
        assert names(tab, "all")[0] == "Product 0"
    tab.wait("document.querySelector('#history-about').innerText.includes('The online store does not answer')")
    deadline = time.monotonic() + 60
    while ask(client, "buyer").json()["fallback"] is not None:  # the store is given a rest
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_an_address_can_be_kept(tab: Tab, client: httpx.Client) -> None:
    tab.open("about:blank")
    tab.open(f"{client.base_url}/ui/#customer=buyer&k=5")
    tab.wait(SHOWN.format("all"))

    assert len(names(tab, "all")) == 5
    assert tab.ask("document.querySelector('#customer').value") == "buyer"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window_and_text_stands_out(tab: Tab, width: int, dark: bool) -> None:
    tab.show_as(width, 844, dark)
    pick(tab, "buyer")

    assert tab.ask("document.documentElement.scrollWidth") == width
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
    assert min(tab.ask(contrast)) >= 4.5  # WCAG 2.2, level AA


def test_everything_one_can_operate_has_a_name(tab: Tab) -> None:
    pick(tab, "buyer")
    unnamed = """
        [...document.querySelectorAll('button, input, select')].filter((one) =>
            !(one.innerText || one.textContent || one.ariaLabel || one.labels?.length)).map((one) => one.outerHTML)
    """
    assert tab.ask(unnamed) == []
    assert tab.ask("document.activeElement.textContent") == f"Bought {names(tab, 'all')[0]}"
    assert tab.ask("document.querySelector('#status').getAttribute('aria-live')") == "polite"


def test_a_service_with_keys_is_asked_with_one_which_stays_in_the_tab(
    browser: Browser, tmp_path: Path, installation: Installation
) -> None:
    shop, operator = make_key(), make_key()
    entries = [entry_for(shop, "shop", ["recommend"]), entry_for(operator, "operator", ["recommend", "admin"])]
    guarded = install(tmp_path / "data", "v1")
    guarded.deploy("v1")
    with serve(guarded, settings={"REACH_API_KEYS": " ".join(entries)}) as client, browser.tab() as tab:
        for path in ("ui/version", "ui/customers"):
            assert ErrorResponse.model_validate(client.get(path).json()).error.startswith("An API key is needed.")
        tab.open(f"{client.base_url}/ui/#customer=buyer")
        for key, history in ((make_key(), None), (shop, "has no scope 'admin'"), (operator, "Product 3")):
            tab.wait("document.querySelector('#ask-key')?.open")
            tab.ask(f"document.querySelector('#key').value = {json.dumps(key)}")
            tab.press("Enter")
            if history is None:
                tab.wait("document.querySelector('#key-wrong').innerText.includes('This API key is not valid')")
                continue
            tab.wait(SHOWN.format("all"))
            assert history in tab.text("#history .body")
            assert tab.ask("document.cookie + localStorage.length") == "0"
            tab.press("Escape", "ArrowDown", "b")
            tab.wait("document.querySelector('#status').innerText.includes('Not recorded: This API key has no scope')")
            tab.ask("document.querySelector('#forget').click()")
        tab.wait("sessionStorage.length === 0 && document.querySelector('#ask-key')?.open")


def test_the_api_page_describes_every_path_and_sends_what_one_types(
    browser: Browser, client: httpx.Client, installation: Installation
) -> None:
    with browser.tab() as tab:
        tab.show_as(1280, 900)
        tab.open(f"{client.base_url}/")
        tab.wait("document.querySelectorAll('.operation').length > 0")
        document = client.get("/docs.json").json()
        named = tab.ask("[...document.querySelectorAll('.operation summary code')].map(one => one.innerText)")
        assert set(named) == set(document["paths"])
        tab.ask(
            f"""void (document.querySelector('{RECOMMEND} textarea').value = '{{"customer_id": "buyer", "k": 2}}')"""
        )
        tab.ask(f"document.querySelector('{RECOMMEND} button').click()")
        tab.wait(f"document.querySelector('{RECOMMEND} .status').innerText.startsWith('200')")
        assert '"name": "Product 3"' in tab.text(f"{RECOMMEND} pre")
        assert "context.basket" in tab.text(RECOMMEND)
        assert tab.ask("document.documentElement.scrollWidth") == 1280
        tab.show_as(390, 844)
        assert tab.ask("document.documentElement.scrollWidth") == 390
        assert tab.told == []
        assert {urlsplit(address).netloc for address in tab.asked} == {client.base_url.netloc.decode()}


def test_the_api_page_works_with_a_key_and_keeps_it_in_the_tab(browser: Browser, tmp_path: Path) -> None:
    shop = make_key()
    guarded = install(tmp_path / "data", "v1")
    guarded.deploy("v1")
    keys = {"REACH_API_KEYS": entry_for(shop, "shop", ["recommend"])}
    with serve(guarded, settings=keys) as client, browser.tab() as tab:
        tab.open(f"{client.base_url}/")
        tab.wait("document.querySelectorAll('.operation').length > 0")
        for key, status in (("", "401"), (shop, "200")):
            tab.ask(f"void (document.querySelector('#key').value = {json.dumps(key)})")
            tab.ask("document.querySelector('#use-key button').click()")
            tab.ask(f"document.querySelector('{RECOMMEND} button').click()")
            tab.wait(f"document.querySelector('{RECOMMEND} .status').innerText.startsWith('{status}')")
        assert tab.ask("document.cookie + localStorage.length") == "0"
        assert {urlsplit(address).netloc for address in tab.asked} == {client.base_url.netloc.decode()}


def test_the_page_says_what_is_wrong_when_the_service_is_gone(browser: Browser, tmp_path: Path) -> None:
    installation = install(tmp_path / "data", "v1")
    installation.deploy("v1")
    with browser.tab() as tab:
        with serve(installation) as client:
            wait_until_ready(client, installation)
            tab.open(f"{client.base_url}/ui/")
            pick(tab, "buyer")
        tab.press("/", "x", "Enter")
        tab.wait("document.querySelector('#all .error')?.innerText === 'The service does not answer. Is it running?'")


def test_the_pages_files_carry_a_strict_policy_and_ask_for_nothing_from_elsewhere(client: httpx.Client) -> None:
    for path in (*sorted(UI_FILES - {"/ui"}), "/ui/version", "/ui/customers"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", ""), path
    assert {f"/ui/{file.name}" for file in STATIC_DIR.iterdir()} <= UI_FILES | {"/ui/index.html"}
    assert client.get("/static_content/index.css").status_code == 404
    assert client.get("/ui").headers["Location"].endswith("/ui/")
    assert client.get("/ui/../service.py").status_code == 404
    assert client.post("/ui/").status_code == 405


def test_the_page_has_words_for_every_reason_why_something_is_missing() -> None:
    script = (STATIC_DIR / "page.js").read_text()
    for table, reasons in (("FALLBACKS", get_args(Fallback)), ("MISSING", get_args(MissingHistory))):
        words = script.split(f"const {table} = {{")[1].split("};")[0]
        assert [reason for reason in reasons if f"  {reason}:" not in words] == []
