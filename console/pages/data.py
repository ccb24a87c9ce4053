"""Show the admitted tables, the results of the checks, and where the documentation is."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.web.console import Console
from core.paths import Paths
from landing.contract import TABLES

DBT_DOCS = "dbt/docs/static_index.html"


@dataclass(frozen=True)
class CheckedPart:
    """Summarise the newest results of one checkpoint.

    Attributes:
        checkpoint: landing, features, training and so on.
        checked: the folder of the results: a day, or a run.
        met: checks that are met.
        count: all checks.
        broken: severity, name and finding of each check that is not met.
        page: the path of its Data Docs below the data directory, or None.
    """

    checkpoint: str
    checked: str
    met: int
    count: int
    broken: tuple[dict[str, Any], ...]
    page: str | None


def endpoints(console: Console) -> list[Route]:
    """Return the endpoint of the page."""

    async def show(request: Request) -> Response:
        found = await run_in_threadpool(_read, console.settings.paths)
        return console.pages.render(request, "data.html", found)

    return [Route("/data", show)]


def _read(paths: Paths) -> dict[str, Any]:
    manifest = _json(paths.admitted / "manifest.json") or {}
    return {
        "manifest": manifest,
        "admitted": manifest.get("tables", {}),
        "findings": manifest.get("findings", []),
        "contract": TABLES,
        "checkpoints": newest_results(paths),
        "dbt_docs": DBT_DOCS if (paths.data / DBT_DOCS).is_file() else None,
    }


def newest_results(paths: Paths) -> list[CheckedPart]:
    """Return the newest results of each checkpoint, by its name."""
    newest: dict[str, Path] = {}
    for file in sorted(paths.quality.glob("*/*/results.json"), key=lambda found: found.stat().st_mtime):
        newest[file.parent.name] = file
    return [part for _, file in sorted(newest.items()) if (part := _checked(paths.data, file))]


def _checked(data: Path, file: Path) -> CheckedPart | None:
    results = _json(file)
    if not isinstance(results, list):
        return None
    broken = tuple(result for result in results if not result["met"])
    page = file.with_name("index.html")
    return CheckedPart(
        checkpoint=file.parent.name,
        checked=file.parent.parent.name,
        met=len(results) - len(broken),
        count=len(results),
        broken=broken,
        page=page.relative_to(data).as_posix() if page.is_file() else None,
    )


def _json(file: Path) -> Any:
    """Return what the file contains; None if it cannot be read."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None
