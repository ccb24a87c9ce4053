"""Show the training runs and the release log of each product, and roll a release back."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConsoleError, NotFoundError
from console.web.console import Console, requires, user_of
from products import DEFAULT_PRODUCT, PRODUCTS
from registry.champion_alias import Registry
from registry.errors import RegistryError
from settings import Settings

MAX_SHOWN = 30
"""Runs and changes on the page, newest first."""


@dataclass(frozen=True)
class RunRow:
    """Describe one training run.

    Attributes:
        run_id: the run's id.
        as_of: the day before which its data lie.
        reason: why it was started.
        started_at: when its first file was written (UTC).
        verdict: the gate's verdict, as a sentence; None while there is none.
        reasons: the verdict's evidence.
        version: the version that it registered, or None.
        page: the path of its page or report below the data directory, or None.
    """

    run_id: str
    as_of: str
    reason: str
    started_at: datetime
    verdict: str | None
    reasons: tuple[str, ...]
    version: str | None
    page: str | None


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the page and of the roll-back."""

    async def show(request: Request) -> Response:
        product = _product(request.query_params.get("product", DEFAULT_PRODUCT))
        found = await run_in_threadpool(_read, console.settings, product)
        return console.pages.render(request, "runs.html", {"product": product, "products": list(PRODUCTS), **found})

    @requires(Permission.RELEASE)
    async def roll_back(request: Request) -> Response:
        form = await request.form()
        product, reason = _product(str(form.get("product", ""))), str(form.get("reason", "")).strip()
        if not reason:
            raise ConsoleError("A roll-back needs a reason. Write one sentence for the release log.")
        user = user_of(request).name
        command = console.commands.start(
            ["registry", "rollback", "--product", product, "--reason", reason, "--by", user],
            f"Roll {product} back",
            user,
            f"/runs?product={product}",
        )
        return console.progress(request, command)

    return [Route("/runs", show), Route("/runs/roll-back", roll_back, methods=["POST"])]


def _product(name: str) -> str:
    if name not in PRODUCTS:
        raise NotFoundError(f"The product '{name}' is unknown. Choose one of {', '.join(PRODUCTS)}.")
    return name


def _read(settings: Settings, product: str) -> dict[str, Any]:
    """Return what the page shows about a product, and why the registry cannot be read, if so."""
    registry, problem = Registry(settings.paths.release, product), None
    try:
        alias, changes = registry.alias(), registry.history()
    except RegistryError as error:
        alias, changes, problem = None, [], str(error)
    # The link 'latest' names a run that is listed under its own name.
    specs = settings.paths.runs_of(product).glob("*/run_spec.json")
    folders = [spec.parent for spec in specs if not spec.parent.is_symlink()]
    runs = sorted((_run(settings.data, folder) for folder in folders), key=lambda run: run.started_at, reverse=True)
    return {
        "alias": alias,
        "problem": problem,
        "changes": changes[: -MAX_SHOWN - 1 : -1],
        "runs": runs[:MAX_SHOWN],
        "further_runs": max(0, len(runs) - MAX_SHOWN),
        "further_changes": max(0, len(changes) - MAX_SHOWN),
    }


def _run(data: Path, folder: Path) -> RunRow:
    plan = _object(folder / "run_spec.json")
    gate, too_little = _object(folder / "gate.json"), _object(folder / "not_enough_data.json")
    verdict = None
    if gate:
        verdict = "publish the challenger" if gate.get("publish") else "keep the champion"
    elif too_little:
        verdict = f"nothing was trained: {too_little.get('because', 'not enough data')}"
    pages = [folder / name for name in ("report.html", "index.html") if (folder / name).is_file()]
    return RunRow(
        run_id=folder.name,
        as_of=str(plan.get("as_of", "")),
        reason=str(plan.get("reason") or "not given"),
        started_at=datetime.fromtimestamp((folder / "run_spec.json").stat().st_mtime, UTC),
        verdict=verdict,
        reasons=tuple(gate.get("reasons", ())),
        version=_object(folder / "registered_model.json").get("version"),
        page=pages[0].relative_to(data).as_posix() if pages else None,
    )


def _object(file: Path) -> dict[str, Any]:
    """Return the file's object; empty if there is none that can be read."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
