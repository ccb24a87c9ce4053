"""Make the pictures of the README from a finished run and the running service: `make pictures`, RUN=latest."""

import argparse
import json
import re
import shutil
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from settings import ROOT, load_settings

PICTURES = ROOT / "docs" / "images"
SCORES = ("all NDCG@10", "explore NDCG@20")
COLOURS = {"reach": "#1d6f5c", "decayed own frequency": "#9aa5ab", "popularity": "#c7ced1"}
WIDTH, HEIGHT = 1280, 900


def draw_result(results: dict[str, Any], out: Path) -> None:
    """Draw each method's mean NDCG with its 95% interval, one panel per slate, as PNG."""
    figure, panels = plt.subplots(1, len(SCORES), figsize=(9, 2.6), constrained_layout=True)
    for panel, name in zip(panels, SCORES, strict=True):
        for row, method in enumerate(reversed(COLOURS)):
            found = results["methods"][method]
            mean, (low, high) = found["means"][name], found["intervals"][name]
            panel.barh(row, mean, color=COLOURS[method], xerr=[[mean - low], [high - mean]], capsize=4, height=0.65)
            panel.text(high, row, f"  {mean:.4f}".replace("0.", ".", 1), va="center")
        panel.set_yticks(range(len(COLOURS)), [method.capitalize() for method in reversed(COLOURS)])
        panel.set_title(name, loc="left")
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.15)
    figure.savefig(out, dpi=130)
    plt.close(figure)


def take_screenshots(service: str, report: Path) -> None:
    """Photograph the service's page with a customer's lists, the customer's profile, and the top of the report."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(f"{service}/ui/")
        page.wait_for_load_state("networkidle")
        page.get_by_role("button", name=re.compile(r"^\d+$")).nth(6).click()
        for part in ("#history li", "#all li", "#explore li", "#profile h3"):
            page.locator(part).first.wait_for()
        page.screenshot(path=PICTURES / "ui.png")
        page.locator("#profile").screenshot(path=PICTURES / "profile.png")
        page.goto(report.as_uri())
        page.screenshot(path=PICTURES / "report.png")
        browser.close()


def main() -> None:
    """Write the pictures; the service must run, because its page is photographed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description=__doc__)
    parser.add_argument("--run", default="latest")
    options = parser.parse_args()
    settings = load_settings()
    run = settings.paths.runs / options.run
    draw_result(json.loads((run / "run.json").read_text())["results"], PICTURES / "result.png")
    take_screenshots(f"http://127.0.0.1:{settings.service_port}", run / "report.html")


if __name__ == "__main__":
    main()
