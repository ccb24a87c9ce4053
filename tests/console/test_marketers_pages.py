"""Customers, Segments, Audiences and Offers by keyboard, on a phone, in the dark, without errors."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from settings import Settings
from tests.support.console.answers import ANSWERS
from tests.support.console.client import PASSWORD
from tests.support.console.in_thread import serve_in_thread
from tests.support.console.published import publish_scores
from tests.support.serving.browser import Observed, chromium, observe

pytestmark = pytest.mark.chromium

WIDTH = 390
TABS = 80
"""Presses of the tab key after which a field must have been reached."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(data=tmp_path_factory.mktemp("console"))
    publish_scores(settings)
    with serve_in_thread(settings, ANSWERS) as address:
        yield address


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with (
        chromium(tmp_path_factory.mktemp("chromium")) as browser,
        browser.new_page(
            viewport={"width": WIDTH, "height": 844}, is_mobile=True, color_scheme="dark", accept_downloads=True
        ) as page,
    ):
        page.goto(f"{address}/login")
        page.keyboard.type("marketer")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Today")
        yield page


@pytest.fixture
def observed(page: Page, address: str) -> Iterator[Observed]:
    """Check after each page that nothing failed, nothing came from elsewhere, and nothing is wider than the window."""
    observed = observe(page)
    yield observed
    assert observed.errors == []
    assert {urlsplit(one).netloc for one in observed.requests if not one.startswith("data:")} == {
        urlsplit(address).netloc
    }
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH


def open_by_keyboard(page: Page, title: str) -> None:
    """Open a page from the navigation: Tab until its link has the focus, then Enter."""
    page.evaluate("document.activeElement.blur()")
    reach(page, f"nav a:text-is('{title}')")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(title)


def reach(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    wanted = page.locator(selector).first
    expect(wanted).to_be_visible()
    for _ in range(TABS):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab")


def test_a_customer_is_looked_up(page: Page, observed: Observed) -> None:
    open_by_keyboard(page, "Customers")
    reach(page, "[name=customer_id]")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(page.locator("#customer")).to_contain_text("split-half reliability")
    expect(page.locator("#customer")).to_contain_text("Milk of explore")
    expect(page.locator("#customer")).to_contain_text("Pale Ale")
    expect(page.locator("#customer")).to_contain_text("no outbox yet")
    assert page.url.endswith("/customers")
    assert not any("7" in urlsplit(one).path.rpartition("/")[2] for one in observed.requests)


def test_a_segment_is_built_counted_and_exported(page: Page, observed: Observed) -> None:
    open_by_keyboard(page, "Segments")
    expect(page.locator(".matrix")).to_contain_text("Middle")
    reach(page, "[name=filter]")
    page.keyboard.press("Control+A")
    page.keyboard.type("lapse_8w > ")
    expect(page.locator("#count")).to_contain_text("character 11")
    page.keyboard.type("0")
    expect(page.locator("#count")).to_contain_text("matches all 30")
    reach(page, "[name=property]")
    page.keyboard.type("segment.value")
    reach(page, "#condition-value [name=value]")
    page.keyboard.type("v1")
    reach(page, "#condition button")
    page.keyboard.press("Enter")
    expect(page.locator("[name=filter]")).to_have_value('lapse_8w > 0 and segment.value = "v1"')
    expect(page.locator("#count")).to_contain_text("10 of 30")
    reach(page, "button:has-text('Export')")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert len(Path(download.value.path()).read_text().splitlines()) == 11


def test_an_audience_is_asked_for(page: Page, observed: Observed) -> None:
    open_by_keyboard(page, "Audiences")
    reach(page, "[name=ids]")
    page.keyboard.type("MIL")
    expect(page.locator("#items option")).to_have_count(1)
    page.keyboard.type("K")
    page.keyboard.press("Enter")
    expect(page.locator("svg.chart")).to_be_visible()
    expect(page.locator("#audience")).to_contain_text("30 of 30 customers for the category 'MILK'")
    reach(page, "[name=name]")


def test_coupons_are_allotted(page: Page, observed: Observed) -> None:
    open_by_keyboard(page, "Offers")
    reach(page, "[name=budget]")
    before = page.locator("#budget").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#budget").inner_text() != before
    reach(page, "button.primary")
    page.keyboard.press("Enter")
    expect(page.locator("#result-title")).to_contain_text("coupons for")
    expect(page.locator("svg.chart")).to_be_visible()
