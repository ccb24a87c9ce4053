"""Take the console's pictures for the guides: `make console-pictures`.

The pages are those of the installation. The results of two campaigns are simulated on its purchases:
one with a planted effect of 10%, and one without. They are written to a folder of their own and deleted afterwards.
"""

import json
import secrets
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from pydantic import SecretStr

from benchmarks.customers.measured_campaign import simulated
from console.access.users import entry_for
from console.app import build_app
from core.command import log_to_stdout, without_nan
from experiments.measurement.purchases import admitted_purchases
from marketing.measurement.report import to_json
from settings import ROOT, Settings, load_settings

PICTURES = ROOT / "docs" / "images"
WIDTH = 1180
TIMEOUT_MS = 120_000
USER = "ann"

PAGES = {"today": "/", "runs": "/runs", "data": "/data", "campaigns": "/campaigns", "past": "/campaigns/past"}
"""Pages of the installation by the picture's name."""

HEIGHTS = {"data": 1_000, "past": 900}
"""Pixels of a long page that its picture shows."""

PLANTED = {"with-effect": 0.1, "without-effect": 0.0}
"""The planted effect on spend by the simulated campaign's name."""

WEEKS, HOLDOUT = 4, 0.2

CAMPAIGN = """id = "{name}"
status = "stopped"
goal = "Simulated on the shop's purchases: {lift:+.0%} of spend was added to the customers with a message"
message_class = "promotional"
purpose = "marketing"

[audience]
everybody = true

[[content]]
name = "all"
subject = "For you"
text = "Hello. {{{{ unsubscribe_url }}}}"

[experiment]
holdout = {holdout}
looks = [{looks}]
"""


def main() -> int:
    """Write the pictures into the guides' folder."""
    log_to_stdout()
    settings = load_settings()
    take(settings, PAGES)
    with TemporaryDirectory(prefix="console-pictures.") as folder:
        copy = settings.model_copy(update={"data": Path(folder), "campaigns": None})
        for name, lift in PLANTED.items():
            simulate(settings, copy, name, lift)
        take(copy, {f"result-{name}": f"/campaigns/{name}" for name in PLANTED}, only="#results")
    return 0


def simulate(settings: Settings, copy: Settings, name: str, lift: float) -> None:
    """Write the file and the result of a campaign whose effect is known.

    Args:
        settings: the installation with the purchases.
        copy: the installation that gets the campaign.
        name: its id.
        lift: the planted effect as a share of spend.
    """
    purchases = admitted_purchases(settings)
    start = purchases.as_of - timedelta(weeks=WEEKS)
    result = simulated(settings, purchases, start, WEEKS, HOLDOUT, lift)
    looks = ", ".join(day.isoformat() for day in result.days)
    for file, text in (
        (copy.campaigns_folder / f"{name}.toml", CAMPAIGN.format(name=name, lift=lift, holdout=HOLDOUT, looks=looks)),
        (copy.paths.campaign_results / f"{name}.json", json.dumps(without_nan(to_json(result)))),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def take(settings: Settings, pages: Mapping[str, str], only: str | None = None) -> None:
    """Photograph pages of a console that is started for it.

    Args:
        settings: of the installation.
        pages: address by the picture's name.
        only: the part of each page that is photographed; None for the page.
    """
    from playwright.sync_api import sync_playwright

    password = secrets.token_urlsafe(16)
    with serve(settings, password) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": WIDTH, "height": 600}, reduced_motion="reduce")
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(f"{address}/login")
        page.fill("[name=name]", USER)
        page.fill("[name=password]", password)
        page.click("main button")
        for name, path in pages.items():
            page.goto(address + path)
            page.locator(".spinner").first.wait_for(state="detached")
            page.wait_for_load_state("networkidle")
            file = PICTURES / f"console-{name}.png"
            if only:
                page.locator(only).screenshot(path=file)
            else:
                height = page.evaluate("document.body.scrollHeight")
                page.set_viewport_size({"width": WIDTH, "height": min(height, HEIGHTS.get(name, height))})
                page.screenshot(path=file)
            print(f"Wrote {file.relative_to(ROOT)}.")
        browser.close()


@contextmanager
def serve(settings: Settings, password: str) -> Iterator[str]:
    """Serve the console with one user on a free port of loopback, and yield its address."""
    known: dict[str, Any] = {
        "console_users": SecretStr(entry_for(USER, "admin", password)),
        "console_key": SecretStr(secrets.token_urlsafe(48)),
    }
    app = build_app(settings.model_copy(update=known))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
