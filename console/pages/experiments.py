"""Show the announced experiments of the service: the announcement, the arms, the intervals and the advice."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.pages.campaigns.outcome.results import Picture, picture_of
from console.web.console import Console
from core.clock import utc_now
from online_experiments.announcement import Announcement, read_announcement
from online_experiments.definition.experiment import Variant
from online_experiments.errors import AnnouncementError
from settings import Settings


@dataclass(frozen=True)
class Arm:
    """One variant on the page.

    Attributes:
        variant: the variant.
        served: the list that its customers get, in words.
        customers: exposed customers; None before the first analysis.
        sentence: the advice; None for the control, and before the first analysis.
        advice: the kind of advice.
        metrics: the sentences about the other metrics.
        picture: the intervals of all metrics; None without numbers.
    """

    variant: Variant
    served: str
    customers: int | None
    sentence: str | None
    advice: str | None
    metrics: tuple[str, ...]
    picture: Picture | None


@dataclass(frozen=True)
class Shown:
    """One experiment on the page.

    Attributes:
        announcement: the experiment.
        state: `waiting`, `running`, `ended` or `stopped`.
        arms: the variants, in the order of the file.
        result: the newest result as the analysis wrote it; None if it was never analysed.
    """

    announcement: Announcement
    state: str
    arms: tuple[Arm, ...]
    result: dict[str, Any] | None


def endpoints(console: Console) -> list[Route]:
    """Return the endpoint of the page."""

    async def show(request: Request) -> Response:
        found, problems = await run_in_threadpool(_read, console.settings)
        return console.pages.render(request, "experiments.html", {"experiments": found, "problems": problems})

    return [Route("/experiments", show)]


def _read(settings: Settings) -> tuple[list[Shown], list[str]]:
    """Return the experiments, those that still run first, and the files that cannot be read."""
    folder, now = settings.paths.announced_experiments, utc_now()
    found, problems = [], []
    for file in sorted(folder.glob("*.json")):
        try:
            announcement = read_announcement(folder, file.stem)
        except AnnouncementError as error:
            problems.append(str(error))
            continue
        result = _result(settings.paths.experiment_results / file.name)
        arms = tuple(_arm(variant, result or {}) for variant in announcement.experiment.variants)
        found.append(Shown(announcement, announcement.state(now), arms, result))
    found.sort(key=lambda one: (one.announcement.is_over(now), -one.announcement.starts_at.timestamp()))
    return found, problems


def _arm(variant: Variant, result: dict[str, Any]) -> Arm:
    measured = result.get("variants", {}).get(variant.name, {})
    metrics = measured.get("metrics", {})
    others = [one["sentence"] for name, one in metrics.items() if name != result.get("metric") and "difference" in one]
    return Arm(
        variant,
        _in_words(variant),
        result.get("counts", {}).get(variant.name),
        result.get("sentences", {}).get(variant.name),
        measured.get("advice"),
        tuple(others),
        picture_of({"metrics": metrics}) if metrics else None,
    )


def _in_words(variant: Variant) -> str:
    served = {
        "champion": "the champion's list",
        "version": f"the list of version {variant.version}",
        "baseline": "the simple rule's list",
        "nothing": "no list",
    }[variant.serve]
    return ", ".join([served, *(f"{name} {value}" for name, value in variant.parameters.items())])


def _result(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
