"""Use the page at /ui as a person does, by keyboard, in a real browser."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.support.serving.browser import Observed

NAMES = "[...document.querySelectorAll('#{} .name')].map(name => name.innerText)"
LIST_IS_READY = "document.querySelectorAll('#{} li').length > 0 && !document.querySelector('[aria-busy]')"


def hosts(observed: Observed) -> set[str]:
    """Return the hosts, with their ports, that the page requested."""
    return {urlsplit(address).netloc for address in observed.requests}


def press(page: Page, *keys: str) -> None:
    """Press keys as a person does: names such as Enter, or characters."""
    for key in keys:
        page.keyboard.press(key)


def wait_until(page: Page, expression: str) -> None:
    """Wait until the expression is true."""
    # A function, because the page's policy forbids that a text is evaluated at each check of Playwright.
    page.wait_for_function(f"() => {expression}")


def names(page: Page, section: str) -> list[str]:
    """Return the names of the products in a section, in their order."""
    found: list[str] = page.evaluate(NAMES.format(section))
    return found


def shown(item: dict[str, Any]) -> str:
    """Return the name of a product on the page."""
    return item["name"] or f"Product {item['product_id']}"


def pick(page: Page, customer_id: str) -> None:
    """Choose a customer by keyboard: Escape, in case the field has the focus; `/`, the id, Enter."""
    press(page, "Escape", "/", *customer_id, "Enter")
    wait_until(page, f"location.hash.includes('customer={customer_id}&')")
    wait_until(page, LIST_IS_READY.format("all"))
