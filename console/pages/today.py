"""Show the state of the installation: what serves, the last decision, the data's freshness, alarms, and campaigns."""

import asyncio
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
from console.errors import ConsoleError
from console.pages.data import newest_results
from console.web.console import Console, requires, user_of
from console.web.outbox import outbox_status
from core.files.publication import linked
from customer_scores.publication import read_record as read_scores_record
from features.publication import read_record as read_features_record
from marketing.campaigns.definition.file import read_campaign
from marketing.campaigns.definition.saved_audience import with_saved_audience
from marketing.errors import MarketingError
from monitoring.errors import MonitoringError
from monitoring.result import read_result
from products import PRODUCTS
from registry.champion_alias import ChampionAlias, Registry
from registry.errors import RegistryError
from retention.policy import load_policy
from retention.space import free, need_of_a_run
from settings import Settings


@dataclass(frozen=True)
class Alarm:
    """Name one thing that needs a person, and the next step."""

    title: str
    next_step: str


@dataclass(frozen=True)
class Served:
    """Describe the champion of one product; without an alias nothing was ever deployed."""

    product: str
    is_served: bool
    alias: ChampionAlias | None


@dataclass(frozen=True)
class Decision:
    """Describe the newest decision of the gate."""

    run_id: str
    is_published: bool
    reasons: tuple[str, ...]
    decided_at: datetime


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the start page and of the pause switch."""

    async def today(request: Request) -> Response:
        found, service = await asyncio.gather(run_in_threadpool(_read, console.settings), _service_state(console))
        alarms = [*service, *found.pop("alarms")]
        return console.pages.render(request, "today.html", {**found, "alarms": alarms})

    @requires(Permission.PAUSE_SENDING)
    async def pause(request: Request) -> Response:
        form = await request.form()
        step, reason = str(form.get("step", "")), str(form.get("reason", "")).strip()
        user = user_of(request).name
        if step == "pause":
            arguments = ["outbox", "pause", "--reason", f"{reason or 'no reason given'} ({user})"]
        elif step == "resume":
            arguments = ["outbox", "resume"]
        else:
            raise ConsoleError(f"'{step}' is neither pause nor resume.")
        await console.commands.run(arguments, "Switch sending", user)
        return Response(status_code=204, headers={"HX-Refresh": "true"})

    return [Route("/", today), Route("/sending", pause, methods=["POST"])]


def _read(settings: Settings) -> dict[str, Any]:
    """Return what the page shows from files and the outbox."""
    paths = settings.paths
    features = linked(paths.features, read_features_record)
    scores = linked(paths.customers, read_scores_record)
    outbox, need, space = outbox_status(settings), need_of_a_run(settings, load_policy()), free(paths.data)
    campaigns, problems = _running_campaigns(settings)
    alarms = [*problems]
    if space < need:
        alarms.append(
            Alarm("The disk has less free space than a retraining needs.", "Delete old versions: make prune.")
        )
    if features and scores and scores.as_of < features.as_of:
        alarms.append(
            Alarm(
                f"The customers' scores are of {scores.as_of}, the features of {features.as_of}.",
                "Look at the last run of the DAG score_customers, or start it: make customers.",
            )
        )
    if outbox and outbox["in_doubt"]:
        count = len(outbox["in_doubt"])
        alarms.append(Alarm(f"{count} messages may or may not have arrived.", "See docs/outbox.md, 'in doubt'."))
    if outbox and outbox["paused"]:
        reason = outbox["paused"]["reason"]
        alarms.append(Alarm(f"All sending is paused: {reason}", "Continue it below, or ask an operator to."))
    alarms += _checked(settings)
    alarms += _monitored(settings)
    for campaign_id, switch in (outbox or {}).get("stopped_campaigns", {}).items():
        alarms.append(Alarm(f"Campaign {campaign_id} is stopped: {switch['reason']}", "Look at its results."))
    return {
        "served": [_served(settings, name) for name in PRODUCTS],
        "decision": _decision(paths.runs),
        "features": features,
        "scores": scores,
        "outbox": outbox,
        "campaigns": campaigns,
        "alarms": alarms,
        "space": space,
        "need": need,
    }


def _served(settings: Settings, product: str) -> Served:
    try:
        alias = Registry(settings.paths.release, product).alias()
    except RegistryError:
        alias = None
    return Served(product, PRODUCTS[product].is_served, alias)


def _decision(runs: Path) -> Decision | None:
    """Return the decision of the newest run that has one."""
    decided = (file for file in runs.glob("*/gate.json") if not file.parent.is_symlink())
    files = sorted(decided, key=lambda file: file.stat().st_mtime)
    if not files:
        return None
    gate = json.loads(files[-1].read_text())
    decided_at = datetime.fromtimestamp(files[-1].stat().st_mtime, UTC)
    return Decision(files[-1].parent.name, bool(gate["publish"]), tuple(gate["reasons"]), decided_at)


def _checked(settings: Settings) -> list[Alarm]:
    """Return an alarm for each checkpoint whose newest results have a check that is not met."""
    return [
        Alarm(
            f"{len(part.broken)} of {part.count} checks of '{part.checkpoint}' are not met, such as "
            f"{part.broken[0]['name']}: {part.broken[0]['what']}",
            "Read them on the page Data.",
        )
        for part in newest_results(settings.paths)
        if part.broken
    ]


def _monitored(settings: Settings) -> list[Alarm]:
    """Return the alarms of the newest check of the DAG `monitor`."""
    try:
        result = read_result(settings.paths.monitoring)
    except MonitoringError as error:
        return [Alarm("The alarms of the DAG monitor cannot be read.", str(error))]
    alarms = result["alarms"] if result else []
    return [Alarm(f"{alarm['watch']}: {alarm['what']}", alarm["next_step"]) for alarm in alarms]


def _running_campaigns(settings: Settings) -> tuple[list[Any], list[Alarm]]:
    """Return the running campaigns, and an alarm for each file that cannot be used."""
    running, alarms = [], []
    for file in sorted(settings.campaigns_folder.glob("*.toml")):
        try:
            campaign = with_saved_audience(read_campaign(file), settings.paths.audiences).campaign
        except MarketingError as error:
            alarms.append(Alarm(f"The campaign {file.name} cannot be used. {error}", "Correct the file."))
            continue
        if campaign.status == "running":
            running.append(campaign)
    return running, alarms


async def _service_state(console: Console) -> list[Alarm]:
    """Return an alarm if the service does not answer or is not ready."""
    try:
        await console.service.get("/readyz")
    except ConsoleError as error:
        return [Alarm(f"No recommendations: {error}", "See docs/operate.md.")]
    return []
