"""A headless Chromium for tests of pages; it can reach this machine's loopback and nothing else."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

TIMEOUT_MS = 30_000
"""How long a page may take to become what a test waits for, on a busy machine."""

LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass
class Observed:
    """Record the errors and requests of a page since `observe` was called.

    Attributes:
        errors: Errors and warnings of the console, exceptions, and violations of the page's policy.
        requests: The addresses that the page asked for.
    """

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def observe(page: Page) -> Observed:
    """Collect the errors and the requests of a page from now on."""
    observed = Observed()

    def add_message(message: ConsoleMessage) -> None:
        # A customer without a profile is answered 404, which the browser reports as an error.
        if message.location.get("url", "").endswith("/profile"):
            return
        if message.type in ("error", "warning", "assert"):
            observed.errors.append(f"{message.type}: {message.text}")

    def add_request(event: dict[str, Any]) -> None:
        observed.requests.append(event["request"]["url"])

    page.on("console", add_message)
    page.on("pageerror", lambda error: observed.errors.append(str(error)))
    # Playwright's own `request` event leaves out icons and `data:` addresses, so the browser's event is read.
    session = page.context.new_cdp_session(page)
    session.on("Network.requestWillBeSent", add_request)
    session.send("Network.enable")
    return observed


@contextmanager
def chromium(home: Path) -> Iterator[Browser]:
    """Start the system's Chromium with `home` as its home folder. Skips the test where the program is missing.

    Each `new_page` of the browser has a profile of its own: no key, no cache.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("the program chromium is not on this machine (Debian: apt-get install chromium)")
    expect.set_options(timeout=TIMEOUT_MS)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=program, args=[LOOPBACK_ONLY], env={**os.environ, "HOME": str(home)}, timeout=TIMEOUT_MS
        ) as browser,
    ):
        yield browser
