"""A real service and a real browser for the tests of the pages."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page

from customer_scores.publish import publish
from settings import Settings
from tests.support.customer_scores.scores import AS_OF, stage_scores
from tests.support.serving.browser import Observed, chromium, observe
from tests.support.serving.page import hosts, wait_until
from tests.support.serving.running import Installation, install, serve, wait_until_ready
from tests.support.serving.small_bundle import buyer_features
from tests.support.serving.stubbed_service import FAILING


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = install(tmp_path_factory.mktemp("data"), "v1", "v2")
    installation.deploy("v1")
    installation.write_customers(
        buyer=buyer_features("p3", "p5"),
        newcomer={"customer_profile__products": 0.0},
        shopper=buyer_features("p3", "p5"),  # who buys, so that the others' lists do not change
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
    """Open the page at /ui. Afterwards check that there was no error and no request to another host."""
    empty_page.goto(f"{client.base_url}/ui/")
    wait_until(empty_page, "document.querySelectorAll('#chips button').length > 0")
    yield empty_page
    assert observed.errors == []
    assert hosts(observed) == {client.base_url.netloc.decode()}
