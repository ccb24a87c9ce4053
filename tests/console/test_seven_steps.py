"""A marketer's ten minutes: from a new campaign to messages that wait in the outbox, in a browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from console.pages.campaigns.outcome.counts import counts_of
from settings import Settings
from tests.support.console.client import PASSWORD
from tests.support.console.running import serve_console, serve_ready
from tests.support.marketing.campaign_shop import campaign_shop
from tests.support.serving.browser import TIMEOUT_MS, chromium, observe

COMMAND_MS = 120_000
"""How long a command may take on a busy machine."""

TEXT = """Chosen for you:
{% for product in products %}
* {{ product.name }}
{% endfor %}
No more of these: {{ unsubscribe_url }}"""
HTML = "<p>Chosen for you:</p><ul>{% for product in products %}<li>{{ product.name }}</li>{% endfor %}</ul>"
STARTED = re.compile(r"INFO: +(Started server process|Waiting for|Application|Uvicorn running|Shutting down|Finished)")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation with published scores, lists, addresses and consents of 30 customers."""
    return campaign_shop(tmp_path_factory.mktemp("console") / "data")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that the console prints."""
    return tmp_path_factory.mktemp("log") / "console.log"


@pytest.fixture(scope="module")
def address(settings: Settings, log: Path) -> Iterator[str]:
    """The address of a running console."""
    with serve_ready() as port, serve_console(settings, port, log) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that reaches loopback only."""
    with chromium(tmp_path_factory.mktemp("home")) as browser:
        yield browser


def press(page: Page, button: str | re.Pattern[str], timeout: float = TIMEOUT_MS) -> None:
    """Press a button that leads to another page, and wait until its scripts have run."""
    with page.expect_navigation(timeout=timeout):
        page.get_by_role("button", name=button, exact=isinstance(button, str)).first.click()


def save(page: Page) -> None:
    press(page, "Save and continue")


def try_plan(page: Page) -> None:
    press(page, re.compile("^Try"), COMMAND_MS)
    expect(page.locator("#trial")).to_contain_text("messages would be planned")
    expect(page.locator("#trial")).not_to_contain_text("changed since")


def test_seven_steps_lead_to_messages_that_wait(settings: Settings, address: str, browser: Browser, log: Path) -> None:
    page = browser.new_page(reduced_motion="reduce")  # a turning spinner costs more than the commands that it waits for
    observed = observe(page)
    page.goto(f"{address}/campaigns")
    page.fill("[name=name]", "marketer")
    page.fill("[name=password]", PASSWORD)
    press(page, "Log in")
    expect(page.locator("main")).to_contain_text("There is no campaign")
    page.get_by_role("link", name="New campaign").click()
    page.fill("[name=id]", "new-products")
    page.fill("[name=goal]", "Sell products that customers never bought")
    press(page, "Begin")

    # 1. Customers of two segments, by keyboard.
    page.get_by_label("High").focus()
    page.keyboard.press("Space")
    page.get_by_label("Middle").focus()
    page.keyboard.press("Space")
    expect(page.locator("#count")).to_contain_text("20 of 30 customers")
    save(page)

    # 2. Customers among these who are likely to buy milk.
    page.select_option("[name=item]", "category")
    page.fill("[name=item_names]", "MILK")
    page.locator("[name=item_names]").press("Tab")
    expect(page.locator("#reach")).to_contain_text("for the category 'MILK', by the rule of step 1")
    expect(page.locator("#reach svg polyline")).to_have_count(1)
    save(page)

    # 3. The customers who would be left out.
    try_plan(page)
    expect(page.locator("main")).to_contain_text("Held out, to measure the effect")
    with page.expect_navigation():
        page.get_by_role("link", name="Continue").click()

    # 4. Recommended products.
    page.select_option("[name=slate]", "explore")
    page.fill("[name=count]", "2")
    save(page)

    # 5. Two texts. One without the slot cannot be launched; the page names the slot.
    expect(page.locator("main")).to_contain_text("has no slot for products")
    page.fill("[name=subject_0]", "For you")
    page.fill("[name=text_0]", "Bye: ")
    page.get_by_role("button", name="unsubscribe_url").click()
    expect(page.locator("[name=text_0]")).to_have_value("Bye: {{ unsubscribe_url }}")
    page.fill("[name=text_0]", TEXT)
    press(page, "Add a text for a segment")
    expect(page.locator("[name=subject_1]")).to_have_value("For you")
    page.fill("[name=name_0]", "best")
    page.fill("[name=filter_0]", 'segment.value = "v0"')
    page.fill("[name=subject_0]", "For our best customers")
    page.fill("[name=text_0]", f"Thank you!\n{TEXT}")
    page.get_by_text("HTML part").first.click()
    page.fill("[name=html_0]", HTML)
    press(page, "Save")
    expect(page.locator("main")).not_to_contain_text("cannot be launched")
    try_plan(page)
    marked = page.locator("#compared mark")
    expect(marked.filter(has_text="our best customers")).to_have_count(1)
    page.locator("details", has=page.locator("iframe")).first.locator("summary").click()
    preview = page.frame_locator("iframe").first
    expect(preview.locator("p").first).to_have_text("Chosen for you:")
    expect(preview.locator("li").first).to_be_visible()
    save(page)

    # 6. A hold-out of 30%, four weekly looks, and the effect that it can show.
    expect(page.locator("main")).to_contain_text("The smallest effect that becomes visible")
    expect(page.locator("main")).to_contain_text("of the customers have a history")  # too few for an effect
    page.locator("[name=holdout]").fill("30")
    expect(page.locator("#share")).to_have_text("30%")
    page.select_option("[name=weekly]", "4")
    save(page)

    # 7. Check and launch.
    expect(page.locator("#check")).to_contain_text("new-products can be planned", timeout=COMMAND_MS)
    page.once("dialog", lambda dialog: dialog.accept())
    press(page, "Launch", COMMAND_MS)
    expect(page.locator("#messages")).to_contain_text("messages wait in the outbox")
    expect(page.locator("h1")).to_contain_text("running")

    counts, _ = counts_of(settings, "new-products")
    assert counts.of_state("planned") == counts.planned > 0
    assert counts.held_out > 0
    assert counts.planned + counts.held_out <= 20
    assert observed.errors == []
    hosts = {urlsplit(url).netloc for url in observed.requests if not url.startswith("data:")}
    assert hosts == {urlsplit(address).netloc}
    lines = log.read_text().splitlines()
    assert lines
    # The console prints its start and nothing about pages or customers.
    assert [line for line in lines if not STARTED.match(line)] == []


def test_a_campaign_is_stopped_with_a_reason(settings: Settings, address: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark", reduced_motion="reduce")
    page.goto(f"{address}/campaigns/new-products")
    page.fill("[name=name]", "marketer")
    page.fill("[name=password]", PASSWORD)
    press(page, "Log in")
    expect(page.locator("#messages")).to_contain_text("messages wait in the outbox")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("form[action$='/stop'] [name=reason]").fill("typo")
    press(page, "Stop this campaign", COMMAND_MS)
    expect(page.locator("#counts")).to_contain_text("This campaign is stopped: typo (marketer)")
    expect(page.locator("h1")).to_contain_text("stopped")
    counts, _ = counts_of(settings, "new-products")
    assert counts.of_state("planned") == 0
    assert counts.messages["suppressed"]["campaign_stopped"] == counts.planned
