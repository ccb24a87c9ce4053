"""Use the pages at /ui and / with API keys, and without a service."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from serving.errors import ErrorResponse
from serving.middleware.api_keys import entry_for, make_key
from tests.support.serving.browser import Observed, observe
from tests.support.serving.page import LIST_IS_READY, hosts, pick, press, wait_until
from tests.support.serving.running import Installation, install, serve, wait_until_ready

pytestmark = pytest.mark.chromium

RECOMMEND = 'details[id="POST/recommend"]'


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
            wait_until(page, LIST_IS_READY.format("all"))
            assert history in page.inner_text("#history .body")
            assert page.evaluate("document.cookie + localStorage.length") == "0"
            press(page, "Escape", "ArrowDown", "b")
            expect(page.locator("#status")).to_contain_text(
                "Not recorded: This API key has no scope", use_inner_text=True
            )
            page.click("#forget")
        wait_until(page, "sessionStorage.length === 0 && document.querySelector('#ask-key')?.open")


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
    assert "`" in client.get("/docs.json").text
    assert "`" not in page.evaluate("document.body.textContent")
    assert "runs from its source" in page.inner_text("#about")
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
