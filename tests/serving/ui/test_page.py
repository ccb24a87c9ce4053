"""The page at /ui in a real browser, on a real service: what a person sees, by keyboard, with no other network."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from customer_scores.publish import publish
from scoring.fallback import Fallback, MissingHistory
from serving.errors import ErrorResponse
from serving.middleware.api_keys import entry_for, make_key
from serving.ui.endpoints import STATIC_DIR, UI_FILES
from settings import Settings
from tests.support.customer_scores.scores import AS_OF, stage_scores
from tests.support.serving.browser import Observed, chromium, observe
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
    settings = Settings(data=installation.data)
    stage_scores(settings, customers=["buyer", "shopper"])
    publish(settings, AS_OF)
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
def width() -> int:
    """The width of the window in CSS pixels. Below 600 the browser behaves as on a phone."""
    return 1280


@pytest.fixture
def dark() -> bool:
    """Whether the person prefers dark colours."""
    return False


@pytest.fixture
def empty_page(browser: Browser, width: int, dark: bool) -> Iterator[Page]:
    with browser.new_page(
        viewport={"width": width, "height": 900}, is_mobile=width < 600, color_scheme="dark" if dark else "light"
    ) as page:
        yield page


@pytest.fixture
def observed(empty_page: Page) -> Observed:
    return observe(empty_page)


@pytest.fixture
def page(empty_page: Page, observed: Observed, client: httpx.Client) -> Iterator[Page]:
    """The page at /ui. Afterwards: no error, nothing against its policy, nothing from elsewhere."""
    empty_page.goto(f"{client.base_url}/ui/")
    wait_until(empty_page, "document.querySelectorAll('#chips button').length > 0")
    yield empty_page
    assert observed.errors == []
    assert hosts(observed) == {client.base_url.netloc.decode()}


def hosts(observed: Observed) -> set[str]:
    """Return the hosts, with their ports, that the page asked."""
    return {urlsplit(address).netloc for address in observed.requests}


def press(page: Page, *keys: str) -> None:
    """Press keys as a person does: names such as Enter, or characters."""
    for key in keys:
        page.keyboard.press(key)


def wait_until(page: Page, expression: str) -> None:
    """Wait until the expression is true."""
    # A function, because the page's policy forbids that a text is evaluated each time Playwright looks.
    page.wait_for_function(f"() => {expression}")


def names(page: Page, section: str) -> list[str]:
    found: list[str] = page.evaluate(NAMES.format(section))
    return found


def shown(item: dict[str, Any]) -> str:
    """What the page calls a product."""
    return item["name"] or f"Product {item['product_id']}"


def pick(page: Page, customer_id: str) -> None:
    """By keyboard: Escape, in case it is in the field already; `/`, the id, Enter."""
    press(page, "Escape", "/", *customer_id, "Enter")
    wait_until(page, f"location.hash.includes('customer={customer_id}&')")
    wait_until(page, SHOWN.format("all"))


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
    wait_until(page, SHOWN.format("all"))
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
    wait_until(page, SHOWN.format("all"))
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
    wait_until(page, SHOWN.format("all"))
    expect(page.locator("#status")).to_have_text(re.compile("^Customer buyer:"), use_inner_text=True)
    assert page.evaluate("[document.activeElement.id, document.activeElement.value]") == ["customer", "next"]


def test_why_a_list_is_not_the_models_is_said_in_words(page: Page, client: httpx.Client) -> None:
    for customer_id, words in {
        "stranger": "“stranger” is not known here",
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


def test_an_address_can_be_kept(page: Page, client: httpx.Client) -> None:
    page.goto("about:blank")
    page.goto(f"{client.base_url}/ui/#customer=buyer&k=5")
    wait_until(page, SHOWN.format("all"))

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


def test_a_service_with_keys_is_asked_with_one_which_stays_in_the_tab(
    browser: Browser, tmp_path: Path, installation: Installation
) -> None:
    shop, operator = make_key(), make_key()
    entries = [entry_for(shop, "shop", ["recommend"]), entry_for(operator, "operator", ["recommend", "admin"])]
    guarded = install(tmp_path / "data", "v1")
    guarded.deploy("v1")
    with serve(guarded, settings={"REACH_API_KEYS": " ".join(entries)}) as client, browser.new_page() as page:
        for path in ("ui/version", "ui/customers"):
            assert ErrorResponse.model_validate(client.get(path).json()).error.startswith("An API key is needed.")
        page.goto(f"{client.base_url}/ui/#customer=buyer")
        for key, history in ((make_key(), None), (shop, "has no scope 'admin'"), (operator, "Product 3")):
            wait_until(page, "document.querySelector('#ask-key')?.open")
            page.fill("#key", key)
            press(page, "Enter")
            if history is None:
                expect(page.locator("#key-wrong")).to_contain_text("This API key is not valid", use_inner_text=True)
                continue
            wait_until(page, SHOWN.format("all"))
            assert history in page.inner_text("#history .body")
            assert page.evaluate("document.cookie + localStorage.length") == "0"
            press(page, "Escape", "ArrowDown", "b")
            expect(page.locator("#status")).to_contain_text(
                "Not recorded: This API key has no scope", use_inner_text=True
            )
            page.click("#forget")
        wait_until(page, "sessionStorage.length === 0 && document.querySelector('#ask-key')?.open")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_api_page_describes_every_path_and_sends_what_one_types(
    empty_page: Page, observed: Observed, client: httpx.Client, width: int
) -> None:
    page = empty_page
    page.goto(f"{client.base_url}/")
    wait_until(page, "document.querySelectorAll('.operation').length > 0")
    document = client.get("/docs.json").json()
    named = page.evaluate("[...document.querySelectorAll('.operation summary code')].map(one => one.innerText)")
    assert set(named) == set(document["paths"])
    page.fill(f"{RECOMMEND} textarea", '{"customer_id": "buyer", "k": 2}')
    page.click(f"{RECOMMEND} button")
    expect(page.locator(f"{RECOMMEND} .status")).to_have_text(re.compile("^200"), use_inner_text=True)
    assert '"name": "Product 3"' in page.inner_text(f"{RECOMMEND} pre")
    assert "context.basket" in page.inner_text(RECOMMEND)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert observed.errors == []
    assert hosts(observed) == {client.base_url.netloc.decode()}


def test_the_api_page_works_with_a_key_and_keeps_it_in_the_tab(browser: Browser, tmp_path: Path) -> None:
    shop = make_key()
    guarded = install(tmp_path / "data", "v1")
    guarded.deploy("v1")
    keys = {"REACH_API_KEYS": entry_for(shop, "shop", ["recommend"])}
    with serve(guarded, settings=keys) as client, browser.new_page() as page:
        observed = observe(page)
        page.goto(f"{client.base_url}/")
        wait_until(page, "document.querySelectorAll('.operation').length > 0")
        for key, status in (("", "401"), (shop, "200")):
            page.fill("#key", key)
            page.click("#use-key button")
            page.click(f"{RECOMMEND} button")
            expect(page.locator(f"{RECOMMEND} .status")).to_have_text(re.compile(f"^{status}"), use_inner_text=True)
        assert page.evaluate("document.cookie + localStorage.length") == "0"
        assert hosts(observed) == {client.base_url.netloc.decode()}


def test_the_page_says_what_is_wrong_when_the_service_is_gone(browser: Browser, tmp_path: Path) -> None:
    installation = install(tmp_path / "data", "v1")
    installation.deploy("v1")
    with browser.new_page() as page:
        with serve(installation) as client:
            wait_until_ready(client, installation)
            page.goto(f"{client.base_url}/ui/")
            pick(page, "buyer")
        press(page, "/", "x", "Enter")
        expect(page.locator("#all .error")).to_have_text(
            "The service does not answer. Is it running?", use_inner_text=True
        )


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
